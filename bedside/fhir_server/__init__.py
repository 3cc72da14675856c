"""The virtual EHR: a shared immutable population, and per encounter a chart of writes on top."""

from bedside.fhir_server.chart import Change, Chart, Response
from bedside.fhir_server.population import Population, StartLayer

__all__ = ["Change", "Chart", "Population", "Response", "StartLayer"]
