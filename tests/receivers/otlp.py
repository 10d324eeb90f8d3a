"""A collector that takes logs and traces by OTLP over HTTP, decodes them with OpenTelemetry's own messages, and prints each log record and span as
a line of JSON. Prints `ready PORT`; with a port as argument, listens there. With a token as second argument, it answers others with 401."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

SERVICES = {
    "/v1/logs": (ExportLogsServiceRequest, ExportLogsServiceResponse, "resource_logs", "scope_logs", "log_records"),
    "/v1/traces": (ExportTraceServiceRequest, ExportTraceServiceResponse, "resource_spans", "scope_spans", "spans"),
}
TOKEN = sys.argv[2] if len(sys.argv) > 2 else None


class Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if TOKEN and self.headers["authorization"] != f"Bearer {TOKEN}":
            return self.answer(401, b"")
        if self.path not in SERVICES or self.headers["content-type"] != "application/x-protobuf":
            return self.answer(400, b"")
        request_type, response_type, resources, scopes, items = SERVICES[self.path]
        request = request_type()
        request.ParseFromString(body)
        for resource in getattr(request, resources):
            for scope in getattr(resource, scopes):
                for item in getattr(scope, items):
                    line = {
                        "resource": MessageToDict(resource.resource),
                        "scope": MessageToDict(scope.scope),
                        "item": MessageToDict(item),
                    }
                    print(json.dumps(line), flush=True)
        self.answer(200, response_type().SerializeToString())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
server = ThreadingHTTPServer(("127.0.0.1", port), Collector)
print("ready", server.server_address[1], flush=True)
server.serve_forever()
