"""Connection to a Ray cluster, checked: reachable, same version of dance-now, room for a worker."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from dance_now import __version__
from dance_now.batch.runners.cluster import Cluster
from dance_now.core.errors import DanceNowError, MissingExtraError
from dance_now.core.processor_cores import available_cores

_REACH_SECONDS: Final = 5.0
_PROBE_SECONDS: Final = 120.0
_OBJECT_STORE: Final = 100_000_000  # bytes; jobs and results are small


@contextmanager
def connected(cluster: Cluster) -> Iterator[Any]:
    """Connects to a cluster, or starts one for ``local``; an existing connection of the process is used.

    Yields:
        The module ``ray``.

    Raises:
        MissingExtraError: Ray is not installed.
        DanceNowError: the cluster cannot be reached, or has another version of dance-now.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a batch sends nothing to anybody
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "cluster") from error
    if ray.is_initialized():
        _check_versions(ray)
        yield ray
        return
    folder = tempfile.mkdtemp(prefix="ray_") if cluster.address == "local" else None
    try:
        _connect(ray, cluster, folder)
        try:
            _check_versions(ray)
            yield ray
        finally:
            ray.shutdown()
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _connect(ray: Any, cluster: Cluster, folder: str | None) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if folder is None:
        named = os.environ.get("RAY_ADDRESS") if cluster.address == "auto" else cluster.address
        _check_reachable(named)
        options["address"] = cluster.address
    else:
        options |= {
            "address": "local",
            "num_cpus": available_cores(),
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE,
            "_temp_dir": folder,
        }
    try:
        ray.init(**options)
    except Exception as error:  # ConnectionError, RuntimeError of other versions of Ray or Python, ...
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DanceNowError(
            f"cluster {cluster.address} cannot be used: {reason[:300]}{_token_hint(cluster)}",
            option="cluster",
        ) from error


def _token_hint(cluster: Cluster) -> str:
    """What helps where the cluster wants a token: Ray sends it only if told, since it opens the cluster."""
    if cluster.address in ("local", "auto") or "RAY_AUTH_MODE" in os.environ:
        return ""
    return ". If it asks for a token, set RAY_AUTH_MODE=token"


def _check_reachable(address: str | None) -> None:
    """Opens a connection to the address, since Ray itself tries for many minutes.

    Raises:
        DanceNowError: nobody answers.
    """
    if address is None:
        return
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdecimal():
        raise DanceNowError(f"cluster must be HOST:PORT, auto or local, not {address}.", option="cluster")
    try:
        with socket.create_connection((host, int(port)), _REACH_SECONDS):
            pass
    except (OSError, OverflowError) as error:
        raise DanceNowError(
            f"cluster {address} cannot be reached ({error}). Start it by: ray start --head", option="cluster"
        ) from error


def _check_versions(ray: Any) -> None:
    """Asks every node for its version of dance-now.

    Raises:
        DanceNowError: one lacks it, or has another.
    """

    def installed() -> tuple[str, str]:  # sent as code, so that it runs where dance-now is missing
        import importlib
        import socket

        try:
            version = str(importlib.import_module("dance_now").__version__)
        except ImportError:
            version = ""
        return socket.gethostname(), version

    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    probe = ray.remote(num_cpus=0, max_retries=0)(installed)
    asked = [
        probe.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote()
        for node in nodes
    ]
    try:
        answers = ray.get(asked, timeout=_PROBE_SECONDS)
    except ray.exceptions.RayError as error:
        raise DanceNowError(
            f"a node of the cluster does not answer ({type(error).__name__}).", option="cluster"
        ) from error
    for host, version in answers:
        check_version(host, version)


def check_version(host: str, version: str) -> None:
    """Checks a node's version of dance-now.

    Raises:
        DanceNowError: it differs from this one, or is "": not installed.
    """
    if version != __version__:
        has = f"has dance-now {version}" if version else "has no dance-now"
        raise DanceNowError(
            f"{host} of the cluster {has}, this machine {__version__}. Install the same on all nodes."
        )
