"""An S3-compatible server (moto) on loopback with an empty bucket `record`. Prints `ready PORT`; with a port as argument, listens there."""

import sys

import boto3
from moto.server import ThreadedMotoServer

port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
server.start()
_, port = server.get_host_and_port()
client = boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{port}",
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
)
client.create_bucket(Bucket="record")
print("ready", port, flush=True)
sys.stdin.read()
