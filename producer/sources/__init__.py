"""Where live metrics come from: this machine, exporters' pages, Prometheus servers. One file a source."""
