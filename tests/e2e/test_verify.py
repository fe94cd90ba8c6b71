"""The parts of `make verify` that a run on the local system does not show."""

import time
from pathlib import Path

import boto3
import pytest

import local
from deployment import CLAIMS, read_deployment, read_secret
from metrics import READS, WRITES, Metric, Metrics
from stack import Stack
from verify_report import Report, Results, read_junit

pytestmark = pytest.mark.local

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.e2e.test_a" name="test_one"/>
<testcase classname="tests.e2e.test_a" name="test_two"><failure message="no&#10;why"/></testcase>
<testcase classname="tests.e2e.test_a" name="test_three"><error message="broken"/></testcase>
<testcase classname="tests.e2e.test_b" name="test_four"><skipped message="not here"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def report() -> Report:
    return Report("arn", "https://api.example", (1, 2))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a caller who uses the local AWS."""
    state = local.running()
    assert state
    for name, text in local.aws_environment(state["port"]).items():
        monkeypatch.setenv(name, text)


def test_results_of_pytest_are_read(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    assert read_junit(path) == Results()
    path.write_text(JUNIT)
    assert read_junit(path) == Results(
        passed=1,
        failed={"test_a::test_two": "no", "test_a::test_three": "broken"},
        skipped={"test_b::test_four": "not here"},
    )


def test_failed_test_or_violation_fails_the_verification(report: Report) -> None:
    report.tests.skipped["test_b::test_four"] = "not here"
    report.differences.append("a path with a doubled slash: 404")
    assert not report.has_failed
    report.faults.append("job 7: its log has a gap")
    assert report.has_failed
    report.faults.clear()
    report.tests.failed["test_a::test_two"] = "no"
    assert report.has_failed
    assert "  failed: test_a::test_two: no" in str(report).splitlines()


def test_refused_requests_are_differences(report: Report) -> None:
    report.sent = {"API GET": 9, "API answered 503": 2}
    report.reported = {"Lambda throttles": 3.0, "Lambda errors": 0.0, READS: 7.0}
    assert report.all_differences == ["2 requests were answered 503", "Lambda throttles: 3"]


@pytest.mark.usefixtures("aws")
def test_metrics_of_all_resources_are_added_up(stack: Stack) -> None:
    metrics = Metrics(stack, read_deployment(stack.name))
    tables = [f"table-{stack.new_id()}" for _ in range(2)]
    metrics.metrics = [
        Metric(label, "AWS/DynamoDB", name, {"TableName": table})
        for table in tables
        for label, name in ((WRITES, "ConsumedWriteCapacityUnits"), (READS, "Unknown"))
    ]
    for table in tables:
        metrics.client.put_metric_data(
            Namespace="AWS/DynamoDB",
            MetricData=[
                {
                    "MetricName": "ConsumedWriteCapacityUnits",
                    "Dimensions": [{"Name": "TableName", "Value": table}],
                    "Value": 1.5,
                }
            ],
        )
    now = time.time()
    assert metrics.totals(now - 60, now) == {WRITES: 3.0, READS: None}


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"TokenJwksUrl": "https://provider.example/keys"}, "TokenJwksUrl"),
        ({"TokenIssuer": "web", "TokenUserClaim": "uid"}, "TokenIssuer, TokenUserClaim"),
    ],
    ids=["OIDC provider", "other claims"],
)
def test_stack_whose_tokens_cannot_be_made_is_refused(
    parameters: dict[str, str], reason: str
) -> None:
    with pytest.raises(SystemExit, match=reason):
        read_secret(boto3.Session(), "jobs-prod", CLAIMS | parameters)


@pytest.mark.usefixtures("aws")
def test_missing_stack_is_named() -> None:
    with pytest.raises(SystemExit, match=r"failed to read the stack jobs-none from http://"):
        read_deployment("jobs-none")
