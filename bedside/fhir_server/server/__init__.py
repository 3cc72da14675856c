"""The virtual EHR over HTTP: many isolated sandboxes, each a chart with its own token."""
