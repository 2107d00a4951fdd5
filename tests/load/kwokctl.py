"""The peer: `kwokctl create cluster` and `scale node` with the same programs, in a network namespace of its own.

kwokctl listens on all addresses, which nothing of ours does: the namespace keeps that off the host. A process
namespace around it ends all its processes with the run. As a program this module is what runs inside.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.load.goal import Probe
from tests.load.race import NODES, Sample

NAME = "bench"
# kwokctl's API server refuses to start without a default route
ROUTE = (
    "link set lo up",
    "link add peer0 type veth peer name peer1",
    "addr add 10.255.0.1/24 dev peer0",
    "link set peer0 up",
    "link set peer1 up",
    "route add default via 10.255.0.2",
)
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


def run(scratch: Path, programs: Path, version: str) -> Sample:
    """Time one cluster; `programs` is the directory of the cache's programs."""
    place = scratch / "kwokctl"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    alone = ["unshare", "--net", "--pid", "--fork", "--kill-child", *([] if os.geteuid() == 0 else ["-r"])]
    command = [*alone, sys.executable, "-m", "tests.load.kwokctl", str(place), str(programs), version]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    shutil.rmtree(place, ignore_errors=True)
    if done.returncode:
        raise RuntimeError(f"kwokctl: {done.stdout}{done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _inside(place: Path, programs: Path, version: str) -> Sample:
    for line in ROUTE:
        subprocess.run(["ip", *line.split()], check=True)
    binaries = programs / version
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(place),
        "KUBECONFIG": str(place / "kubeconfig"),
        "KWOK_WORKDIR": str(place),
        "KWOK_KUBE_VERSION": f"v{version}",
        "KWOK_ETCDCTL_BINARY": str(programs / "etcdctl"),
        "KWOK_KUBECTL_BINARY": str(binaries / "kubectl"),
    }
    same = [f"--{component}-binary={binaries / component}" for component in COMPONENTS]
    same += [f"--etcd-binary={programs / 'etcd'}", f"--kwok-controller-binary={programs / 'kwok'}"]
    create = ["create", "cluster", "--runtime=binary", "--kube-apiserver-port=26443", "--wait=60s", *same]
    began = time.monotonic()
    marks = {}
    for step, words in {"create": create, "scale": ["scale", "node", f"--replicas={NODES}"]}.items():
        command = [str(programs / "kwokctl"), "--name", NAME, *words]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
        marks[step] = round(time.monotonic() - began, 3)
    Probe("127.0.0.1", 26443, place / "clusters" / NAME / "pki").wait(NODES)
    return {"seconds": round(time.monotonic() - began, 3), **marks}


if __name__ == "__main__":
    print(json.dumps(_inside(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])))  # noqa: T201
