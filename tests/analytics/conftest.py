"""Before numpy is loaded: on the tiny matrices of the fits, threads of OpenBLAS only wait for each other."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
