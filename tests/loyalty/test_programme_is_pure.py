"""A till that is offline runs the rules: they need the standard library and the core, and nothing else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from regulars.loyalty import programme

FILES = sorted(Path(programme.__path__[0]).glob("*.py"))


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module
            found.add(node.module)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_imports_the_core_its_neighbours_and_the_standard_library(file: Path) -> None:
    others = {
        name
        for name in imported(file)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not name.startswith(("regulars.core.", "regulars.loyalty.programme"))
    }
    assert others == set()


@pytest.mark.parametrize("file", [one for one in FILES if one.name != "words.py"], ids=lambda file: file.name)
def test_a_file_that_judges_knows_no_floating_point(file: Path) -> None:
    tree = ast.parse(file.read_text())
    floats = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, float)]
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not floats and "float" not in names
    divisions = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)]
    assert divisions == []


def test_judging_loads_neither_the_web_framework_nor_the_engine() -> None:
    code = (
        "import sys, regulars.loyalty.programme.judging, regulars.loyalty.programme.words;"
        "print(sorted({'django', 'duckdb', 'ibis', 'numpy', 'ninja'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"
