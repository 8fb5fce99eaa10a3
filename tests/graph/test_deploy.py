"""The deployment guide: its files fit their schemas, each other, and what xsieve and Beam accept."""

import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from apache_beam.options.pipeline_options import PipelineOptions

from xsieve.pipelines import runners
from xsieve.pipelines import settings as st
from xsieve.pipelines.runners import chosen, refusals
from xsieve.transforms.records import tally

GUIDE = Path(__file__).parents[2] / "docs" / "deploy"
DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((GUIDE / "compose.yaml").read_text("utf-8"))
MANIFESTS = sorted((GUIDE / "kubernetes").glob("*.yaml"))
KUBERNETES = ("1.31", kubernetes_validate.latest_version())


def documents() -> list[dict[str, Any]]:
    """All objects of the manifests."""
    return [found for path in MANIFESTS for found in yaml.safe_load_all(path.read_text("utf-8"))]


def pod_of(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """The pod that a manifest makes, if it makes one."""
    return manifest["spec"]["template"]["spec"] if "template" in manifest.get("spec", {}) else None


PODS = {found["metadata"]["name"]: pod for found in documents() if (pod := pod_of(found))}


def named(kind: str) -> set[str]:
    return {found["metadata"]["name"] for found in documents() if found["kind"] == kind}


# --- schemas


def test_the_compose_file_fits_its_schema():
    """By the schema of the compose specification, which also knows a mistyped key."""
    schema = json.loads(
        files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text("utf-8")
    )
    check = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in check.iter_errors(COMPOSE)] == []
    mistyped = {**COMPOSE, "services": {"kafka": {"imagee": "x"}}}
    assert list(check.iter_errors(mistyped)), "the schema checks nothing"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("release", KUBERNETES)
def test_the_manifests_fit_their_schemas(path: Path, release: str):
    """By the schemas of an older and of the newest Kubernetes at hand, strictly: no key is unknown."""
    for found in yaml.safe_load_all(path.read_text("utf-8")):
        kubernetes_validate.validate(found, release, strict=True)
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate({**found, "spce": {}}, release, strict=True)


# --- what the files say of each other


def test_what_services_of_the_compose_file_name_is_there():
    """Volumes, secrets and services that are named exist."""
    services = COMPOSE["services"]
    for name, service in services.items():
        assert {*service.get("depends_on", {})} <= {*services}, name
        assert {*service.get("secrets", ())} <= {*COMPOSE["secrets"]}, name
        sources = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert {source for source in sources if not source.startswith(".")} <= {*COMPOSE["volumes"]}, name
        assert all((GUIDE / source).exists() for source in sources if source.startswith(".")), name


def test_what_pods_name_is_there():
    """Claims, secrets, config maps and accounts exist, and what is mounted is a volume of the pod."""
    for name, pod in PODS.items():
        volumes = {volume["name"]: volume for volume in pod.get("volumes", ())}
        claims = {
            volume["persistentVolumeClaim"]["claimName"]
            for volume in volumes.values()
            if "persistentVolumeClaim" in volume
        }
        assert claims <= named("PersistentVolumeClaim"), name
        assert {v["secret"]["secretName"] for v in volumes.values() if "secret" in v} <= named("Secret"), name
        assert {v["configMap"]["name"] for v in volumes.values() if "configMap" in v} <= named("ConfigMap"), name
        assert {pod.get("serviceAccountName", "flink")} <= named("ServiceAccount"), name
        mounted = {mount["name"] for container in pod["containers"] for mount in container.get("volumeMounts", ())}
        assert mounted <= {*volumes, "data"}, name


def test_services_find_their_pods():
    """Each service selects pods that have its ports."""
    for found in documents():
        if found["kind"] != "Service":
            continue
        pod = PODS[found["spec"]["selector"]["app"]]
        there = {port["containerPort"] for container in pod["containers"] for port in container.get("ports", ())}
        assert {port["port"] for port in found["spec"]["ports"]} <= there, found["metadata"]["name"]


def test_workers_and_flink_share_what_they_must():
    """The folder that holds checkpoints, artifacts and outputs is the same for Flink, its workers, the job server and the command."""
    for name in ("jobmanager", "taskmanager", "jobserver", "xsieve", "workers"):
        assert "shared:/shared" in COMPOSE["services"][name]["volumes"], name
    for name in ("jobmanager", "taskmanager", "jobserver", "submit"):
        for container in PODS[name]["containers"]:
            assert {"name": "shared", "mountPath": "/shared"} in container["volumeMounts"], name


def images() -> Iterator[str]:
    yield from (service["image"] for service in COMPOSE["services"].values())
    yield from (container["image"] for pod in PODS.values() for container in pod["containers"])


def test_every_part_is_of_one_version():
    """The job server, the images and the suite are of one Beam; Flink is the one that the job server is for; xsieve is this one."""
    beam, own = version("apache-beam"), version("xsieve")
    job_servers = {image for image in images() if "job_server" in image}
    assert job_servers == {f"apache/beam_flink1.19_job_server:{beam}"}
    assert {image for image in images() if image.startswith("flink:")} == {"flink:1.19-java17"}
    assert {image for image in images() if image.startswith("xsieve:")} == {f"xsieve:{own}"}
    for dockerfile in (DEPLOY / "Dockerfile", DEPLOY / "dataflow" / "Dockerfile"):
        assert f"ARG BEAM={beam}\n" in dockerfile.read_text("utf-8")
    assert not [image for image in images() if ":" not in image or image.endswith(":latest")]


# --- what is run


@pytest.fixture
def settings(tmp_path: Path) -> st.Settings:
    """The settings of the guide, with a password that is really there."""
    (tmp_path / "ledger-password").write_text("secret")
    text = (GUIDE / "pipeline.yaml").read_text("utf-8")
    return st.parse(text.replace("/run/secrets/ledger-password", f"{tmp_path}/ledger-password"))


def test_the_config_map_holds_the_settings_of_the_guide():
    """Compose and Kubernetes run one pipeline."""
    (found,) = [
        found for found in documents() if found["kind"] == "ConfigMap" and found["metadata"]["name"] == "pipeline"
    ]
    assert found["data"]["pipeline.yaml"] == (GUIDE / "pipeline.yaml").read_text("utf-8")


COMMANDS = {"compose": COMPOSE["services"]["xsieve"]["command"], "kubernetes": PODS["submit"]["containers"][0]["args"]}


@pytest.mark.parametrize("place", COMMANDS)
def test_the_commands_of_the_guide_are_not_refused(place: str, settings: st.Settings):
    """The pipeline with the options that are given there is a right pair, and without any one of the decisive ones it is not."""

    def why(arguments: list[str]) -> list[str]:
        shared = [argument.partition("=")[2] for argument in arguments if argument.startswith("--shared-folder=")]
        options = PipelineOptions(arguments).get_all_options(retain_unknown_options=True)
        return refusals(runners.facts_of(settings, shared), chosen(options, streaming=True))

    arguments = COMMANDS[place]
    assert why(arguments) == []
    for decisive in ("--shared-folder", "--checkpointing_interval"):
        assert why([argument for argument in arguments if not argument.startswith(decisive)]), decisive


def test_no_password_stands_in_the_files():
    """The ledger's password is a file of the containers, and nobody reads it here."""
    assert "${file:/run/secrets/ledger-password}" in (GUIDE / "pipeline.yaml").read_text("utf-8")
    (secret,) = [found for found in documents() if found["kind"] == "Secret"]
    assert [*secret["stringData"].values()] == ["replace-me-before-use"]
    variables = [service.get("environment", {}) for service in COMPOSE["services"].values()]
    assert not [name for given in variables for name in given if "PASSWORD" in name and not name.endswith("_FILE")]


# --- the text


def test_the_guide_names_each_counter_by_its_name():
    """What is counted by Beam's metrics is explained: each family, with the name as it is shown."""
    text = (GUIDE / "README.md").read_text("utf-8")
    for family in (tally.READ, tally.OUT, f"{tally.DROPPED}.REASON", f"{tally.REJECTED}.REASON", f"{tally.NOTED}.WHAT"):
        assert f"`{family}`" in text, family
    for name in ("late_panes", "dropped.too_late", "published.OUTPUT", "repeated.OUTPUT", "withheld.OUTPUT"):
        assert f"`{name}`" in text, name


def test_the_guide_links_to_what_is_there():
    """No link of the guide leads nowhere."""
    text = (GUIDE / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)#\s]+)", text)
    assert links
    assert [link for link in links if "://" not in link and not (GUIDE / link).exists()] == []
