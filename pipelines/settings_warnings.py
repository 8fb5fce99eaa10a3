"""What settings allow and what yet deserves a second thought."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xsieve.pipelines.settings_outputs import Hydrated, Ids, Rows
from xsieve.pipelines.settings_secrets import Secret
from xsieve.pipelines.settings_streams import Kafka, KafkaSink, ToKafka, library_of, options_of
from xsieve.transforms.records import policy
from xsieve.transforms.records.sensitive import judge

if TYPE_CHECKING:
    from xsieve.pipelines.settings import Settings


def warnings(settings: "Settings") -> list[str]:
    """What is allowed and yet deserves a second thought: one sentence each."""
    found: list[str] = []
    if settings.collection.access != "app_only":
        found.append(
            "collection.access is not app_only: posts that do not say who may see them pass and are counted. "
            "Declare app_only if the data came by a bearer token."
        )
    if isinstance(settings.input, Kafka):
        found += _java_secrets("input.consumer", settings.input)
    for name, output in settings.outputs.items():
        if finding := judge(name):
            found.append(
                f"outputs.{name}: the name may be read as {finding.item} of the people in the output "
                f"({finding.clause}). Better is a name for what was collected and when."
            )
        if isinstance(output, Rows):
            found += _rows(name, output)
        if isinstance(output.write, ToKafka):
            found += _java_secrets(f"outputs.{name}.write.kafka.producer", output.write.kafka)
        if isinstance(output, Ids | Hydrated) and output.receivers:
            found += (f"outputs.{name}: {sentence}" for sentence in contradictions(settings, output))
            found += _receivers(settings, name, output)
    return found


def contradictions(settings: "Settings", output: Ids | Hydrated) -> list[str]:
    """Where another profile is stricter on what an output relies on, a sentence each with both sources."""
    exempt = output.exempt if isinstance(output, Ids) else None
    declared = settings.sender.declares if settings.sender else frozenset[str]()
    return policy.contradictions(settings.profile, output.unit, exempt, declared)


def _rows(name: str, rows: Rows) -> Iterator[str]:
    if rows.time == "exact":
        yield f"outputs.{name}.time: an exact time leads back to the post, and so to its author."
    if rows.metrics == "exact":
        yield f"outputs.{name}.metrics: exact counts single posts out, and so their authors."


def _java_secrets(path: str, kafka: Kafka | KafkaSink) -> Iterator[str]:
    secrets = [name for name, value in options_of(kafka).items() if isinstance(value, Secret)]
    if secrets and library_of(kafka) == "java":
        yield (
            f"{path}: Beam's Java transforms take {', '.join(secrets)} when the job is built, so that the runner keeps and may "
            "show what they hold. With through: python workers read it for themselves."
        )


def _receivers(settings: "Settings", name: str, output: Ids | Hydrated) -> Iterator[str]:
    clause = settings.profile.clauses[policy.ACCEPTANCE].cited
    unknown = 0
    for receiver in output.receivers:
        recipient = settings.recipients[receiver]
        unknown += recipient.country is None
        if recipient.public:
            yield (
                f"recipients.{receiver}: is public and counted as one entity; how many people take how much from there "
                "is not known."
            )
        if recipient.public and recipient.public.gate == "none":
            yield f"recipients.{receiver}.public.gate: nobody is asked to accept X's terms before ({clause})."
    if isinstance(output, Hydrated) and unknown:
        yield (
            f"outputs.{name}: recipients without a country ({unknown} of {len(output.receivers)}) do not get what is "
            "withheld in any country."
        )
