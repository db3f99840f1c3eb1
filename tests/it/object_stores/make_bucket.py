"""Makes a bucket or container: make_bucket.py s3|azure ENDPOINT NAME KEY SECRET."""

import sys

kind, endpoint, name, key, secret = sys.argv[1:]
if kind == "s3":
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )
    client.create_bucket(Bucket=name)
else:
    from azure.storage.blob import BlobServiceClient

    credential = {"account_name": key, "account_key": secret}
    BlobServiceClient(endpoint, credential=credential).create_container(name)
