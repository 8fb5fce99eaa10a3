"""A subscription of Google Cloud Pub/Sub in a pipeline, by Beam's own transform."""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from xsieve.pipelines.settings_streams import PubSub
from xsieve.pipelines.stream_io import StreamIOError
from xsieve.pipelines.stream_messages import batches
from xsieve.transforms.records.batch import RawBatch, Reject
from xsieve.transforms.sift import content_kept_in


class ReadSubscription(beam.PTransform):
    """PBegin -> (PCollection[RawBatch], PCollection[Reject]). A message is known by the number that Pub/Sub gave it."""

    def __init__(self, pubsub: PubSub) -> None:
        super().__init__()
        self.pubsub = pubsub

    def expand(self, begin: Any) -> Any:
        try:
            from apache_beam.io import ReadFromPubSub
            from apache_beam.io.gcp import pubsub
        except ImportError:
            raise StreamIOError("reading Pub/Sub needs apache-beam[gcp]: pip install 'xsieve[gcp]'") from None
        if pubsub.pubsub is None:
            raise StreamIOError("reading Pub/Sub needs apache-beam[gcp]: pip install 'xsieve[gcp]'")
        options = self.pubsub.model_dump(exclude={"read"})
        made = beam.ParDo(ToBatches()).with_output_types(RawBatch).with_outputs("rejects", main="batches")
        found = begin | "Read Pub/Sub" >> ReadFromPubSub(with_attributes=True, **options)
        outputs = found | "Messages to batches" >> made
        outputs.rejects.element_type = Reject
        return outputs.batches, outputs.rejects


class ToBatches(beam.DoFn):
    """PubsubMessage -> RawBatch; Rejects beside them. Attributes are not looked at."""

    def process(self, message: Any) -> Iterator[Any]:
        with content_kept_in():
            number = str(message.message_id or "")
            offset = int(number) if number.isdecimal() else 0
            for found in batches([message.data], [offset], 0):
                yield TaggedOutput("rejects", found) if isinstance(found, Reject) else found
