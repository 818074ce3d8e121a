"""Which workers a training has, from its command line and from the environment."""

from __future__ import annotations

import json

import pytest

from common.errors import UserError
from common.replicas import Cluster, cluster_of

TWO = ("node1:2222", "node2:2222")


def environment(jobs: dict, kind: str, index: int) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": jobs, "task": {"type": kind, "index": index}})}


def test_the_command_line_names_the_workers_and_the_first_is_the_chief():
    assert cluster_of(TWO, 1, {}) == Cluster(TWO, 1)
    assert [cluster_of(TWO, index, {}).chief for index in (0, 1)] == [True, False]


def test_the_command_line_goes_before_the_environment():
    assert cluster_of(TWO, 0, {"TF_CONFIG": "nonsense"}) == Cluster(TWO, 0)


def test_the_environment_names_the_workers_as_launchers_do():
    assert cluster_of((), None, environment({"worker": list(TWO)}, "worker", 1)) == Cluster(TWO, 1)


@pytest.mark.parametrize(("kind", "index"), [("chief", 0), ("worker", 1)])
def test_a_chief_in_the_environment_comes_before_the_workers(kind, index):
    jobs = {"chief": [TWO[0]], "worker": [TWO[1]]}
    assert cluster_of((), None, environment(jobs, kind, 0)) == Cluster(TWO, index)


@pytest.mark.parametrize(
    "variables",
    [{}, {"TF_CONFIG": ""}, {"TF_CONFIG": "{}"}, environment({"worker": ["a:1"]}, "worker", 0)],
)
def test_without_others_a_training_is_alone_and_its_own_chief(variables):
    assert cluster_of((), None, variables) == Cluster()
    assert Cluster().chief


@pytest.mark.parametrize(
    ("addresses", "worker", "said"),
    [
        ((), 1, "--worker 1 says which of the workers of --cluster this process is"),
        (TWO, None, "--worker is missing: with --cluster it says which of the 2 workers"),
        (TWO, 2, "--worker is 2: with --cluster it says which of the 2 workers"),
        (("node1", "node2:2222"), 0, "'node1' must be host:port"),
        (("a:1", "a:1"), 0, "'a:1' must be host:port, another for each worker"),
    ],
)
def test_half_a_cluster_is_refused(addresses, worker, said):
    with pytest.raises(UserError) as refused:
        cluster_of(addresses, worker, {})
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "variables",
    [
        {"TF_CONFIG": "nonsense"},
        {"TF_CONFIG": '{"cluster": {"worker": ["a:1", "b:1"]}}'},
        environment({"worker": list(TWO)}, "worker", 2),
        environment({"worker": list(TWO), "ps": ["c:1"]}, "ps", 0),
    ],
)
def test_an_environment_that_describes_no_workers_is_refused(variables):
    with pytest.raises(UserError, match="TF_CONFIG in the environment describes no workers"):
        cluster_of((), None, variables)
