"""A real standalone Spark cluster on loopback: a master and two workers, each a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

_WORKERS = 2
_SECONDS_TO_START = 120

# Java 17 hides what Spark's own launcher opens
_OPENED = (
    "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util",
    "java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch", "sun.nio.cs", "sun.security.action",
    "sun.util.calendar",
)  # fmt: skip


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spark_home() -> Path:
    """Where the package keeps Spark."""
    found = find_spec("pyspark")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent


def spark_environment(folder: Path) -> dict[str, str]:
    """What driver, master and workers have to agree upon."""
    settings = folder / "conf" / "spark-defaults.conf"
    settings.parent.mkdir(exist_ok=True)
    # two hundred tasks per shuffle, Spark's default, are for more than two cores and a few thousand rows
    settings.write_text("spark.sql.shuffle.partitions 4\nspark.driver.host 127.0.0.1\n")
    return {
        **os.environ,
        "SPARK_HOME": str(spark_home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONF_DIR": str(settings.parent),
        "SPARK_SCALA_VERSION": "2.13",  # a worker outside a full distribution cannot find it out
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "PYSPARK_PYTHON": sys.executable,
    }


@contextmanager
def standalone_cluster(folder: Path) -> Iterator[str]:
    """The address of a cluster that lives as long as the block."""
    port = free_port()
    address = f"spark://127.0.0.1:{port}"
    master = ["master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
    worker = ["worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0", address]
    processes = []
    try:
        for number, command in enumerate([master] + [worker] * _WORKERS):
            processes.append(_start(command, folder, folder / f"{number}.log"))
            if number == 0:
                _wait_for(port)
        _wait_for_workers(folder)
        yield address
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


@contextmanager
def connect_server(folder: Path) -> Iterator[str]:
    """The address of a Spark Connect server of one core that lives as long as the block."""
    port = free_port()
    environment = spark_environment(folder)
    with (folder / "conf" / "spark-defaults.conf").open("a") as settings:
        settings.write(f"spark.connect.grpc.binding.port {port}\nspark.ui.enabled false\n")
    start = [str(spark_home() / "bin" / "spark-submit"), "--master", "local[1]", "--driver-memory", "1g", "--class"]
    start += ["org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]
    with (folder / "connect.log").open("wb") as out:
        process = subprocess.Popen(start, env=environment, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait_for(port)
        yield f"sc://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=60)


def _start(command: list[str], folder: Path, log: Path) -> "subprocess.Popen[bytes]":
    opened = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENED]
    start = ["java", "-Xmx512m", *opened, "-cp", f"{spark_home()}/jars/*", f"org.apache.spark.deploy.{command[0]}"]
    with log.open("wb") as out:
        return subprocess.Popen(
            [*start, *command[1:]], env=spark_environment(folder), cwd=folder, stdout=out, stderr=subprocess.STDOUT
        )


def _wait_for(port: int) -> None:
    for _attempt in range(_SECONDS_TO_START * 5):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError("the master of the cluster did not start")


def _wait_for_workers(folder: Path) -> None:
    logs = [folder / f"{number}.log" for number in range(1, _WORKERS + 1)]
    for _attempt in range(_SECONDS_TO_START * 5):
        if all("Successfully registered with master" in log.read_text(errors="replace") for log in logs):
            return
        time.sleep(0.2)
    raise TimeoutError("the workers of the cluster did not register")
