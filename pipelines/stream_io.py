"""Sources and sinks besides files: messages of Kafka and Pub/Sub and rows of BigQuery in, rows, payloads and ids out.

``read`` gives batches of lines, each at its event time, with the rejects of reading beside them; ``write`` takes what was
sifted. What a library says of an error stays here, for it may quote data.
"""

from collections.abc import Iterable
from functools import reduce
from math import gcd

import apache_beam as beam

from xsieve.pipelines import settings as st
from xsieve.transforms.records.plan import Plan

LONGEST_SLOT = 3600


class StreamIOError(Exception):
    """A source or a sink that cannot be set up here. Says what is lacking, and nothing of what options hold."""


def read(source: st.Input, slot: int = 1) -> beam.PTransform:
    """PBegin -> (PCollection[RawBatch], PCollection[Reject]), at the times of the messages.

    ``slot``: seconds of which each window downstream is a multiple; messages of one slot may come as one batch. Raises
    StreamIOError where the pipeline is built if the source cannot be had here.
    """
    if isinstance(source, st.Kafka):
        from xsieve.pipelines.stream_kafka import ReadTopics

        return ReadTopics(source, slot)
    if isinstance(source, st.PubSub):
        from xsieve.pipelines.stream_pubsub import ReadSubscription

        return ReadSubscription(source)
    if isinstance(source, st.BigQuery):
        from xsieve.pipelines.stream_bigquery import ReadTable

        return ReadTable(source)
    raise TypeError("files are read by the graph of batch runs")


def write(output: st.Output, plan: Plan) -> beam.PTransform:
    """PCollection of RowBatch, StoreBatch or IdBatch -> the topic or table that the output is written to, at once.

    Raises StreamIOError where the pipeline is built if the sink cannot be had here.
    """
    target = output.write if isinstance(output, st.Rows | st.Ids | st.Store) else None
    if isinstance(target, st.ToKafka):
        from xsieve.pipelines.stream_kafka import WriteTopic

        return WriteTopic(target.kafka, plan)
    if isinstance(target, st.ToBigQuery):
        from xsieve.pipelines.stream_bigquery import WriteTable

        return WriteTable(target.bigquery, plan)
    raise TypeError("what goes to files is staged and published")


def slot_of(outputs: Iterable[st.Output]) -> int:
    """The longest slot of time, in seconds, that lies within one window of every output."""
    spans = (int(o.every.total_seconds()) for o in outputs if isinstance(o, st.Rows | st.Ids | st.Store) and o.every)
    return reduce(gcd, spans, LONGEST_SLOT)
