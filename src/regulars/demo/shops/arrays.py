"""Arrays that the parts of the generator exchange, and the one law they share."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def lognormal(sigma: float, size: int, rng: np.random.Generator) -> Floats:
    """Log-normal numbers with the mean 1."""
    return rng.lognormal(-(sigma**2) / 2, sigma, size)
