"""Throughput and memory of xsieve and of what people use instead, on data made at run time. See README.md."""
