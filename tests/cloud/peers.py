"""A stand-in for AWS on this machine: real peers for SageMaker's SDK, that run what it sends.

moto answers for S3, SageMaker and CloudWatch. What moto only notes down is done here: a training job runs AWS' own
training toolkit, in an environment with what AWS' image has, on the archive that the SDK uploaded; its folders come
from and go to S3; its lines go to CloudWatch, and the figures in them that its metric definitions find. An endpoint
answers as TensorFlow Serving does. Jobs can be interrupted as spot instances are.

    with peers.start(folder) as environment:  # AWS_ENDPOINT_URL and all else that the SDK reads
        os.environ.update(environment)

    python tests/cloud/peers.py FOLDER        # the same for other programs; prints the environment as JSON
"""

import contextlib
import datetime
import io
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request

import environments

REGION, ACCOUNT, BUCKET = "eu-central-1", "123456789012", "imagents-test"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/trainer"
_SDK_SETTINGS = """
SchemaVersion: '1.0'
SageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}
"""


@contextlib.contextmanager
def start(folder: pathlib.Path):
    """Starts the stand-in, with a bucket in it. Yields the environment that makes the SDK use it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sdk.yaml").write_text(_SDK_SETTINGS)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(folder / "sdk.yaml"),
        "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
        "IMAGENTS_TEST_BUCKET": BUCKET,
        "IMAGENTS_TEST_ROLE": ROLE,
    }
    command = [environments.moto(), __file__, "serve", folder, port, environments.image(), sys.executable]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            list(map(str, command)), env=os.environ | environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_for(port, server, folder)
        yield environment
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait_for(port: int, server: subprocess.Popen, folder: pathlib.Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError((folder / "server.log").read_text()[-2000:])


def interrupt(job_name: str) -> None:
    """Takes a job's machines away, as happens to spot instances: it begins again elsewhere, with its checkpoints."""
    urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/stand-in/interrupt/{job_name}", data=b"").close()


def requests(job_name: str) -> dict:
    """The CreateTrainingJob request that made a job."""
    return json.load(urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/stand-in/request/{job_name}"))


# The server: from here on in the environment `moto`.


def serve(folder: str, port: str, image: str, python: str) -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from moto.s3.models import s3_backends
    from werkzeug.serving import run_simple

    s3_backends[ACCOUNT]["aws"].create_bucket(BUCKET, REGION)
    application = _Service(DomainDispatcherApplication(create_backend_app), pathlib.Path(folder), image, python)
    run_simple("127.0.0.1", int(port), application, threaded=True)


class _Service:
    """moto, and what it only notes down."""

    def __init__(self, moto, folder: pathlib.Path, image: str, python: str):
        self._moto, self._folder, self._image, self._python = moto, folder, image, python
        self._jobs, self._endpoints = {}, {}

    def __call__(self, environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        operation = environ.get("HTTP_X_AMZ_TARGET", "").removeprefix("SageMaker.")
        path = environ["PATH_INFO"]
        if operation in ("CreateTrainingJob", "StopTrainingJob"):
            body = environ["wsgi.input"].read(length)
            return self._training(operation, body, environ, start_response)
        if path.endswith("/invocations"):
            return self._invoke(path.split("/")[2], environ, length, start_response)
        if path.startswith("/stand-in/"):
            _, _, kind, name = path.split("/")
            if kind == "interrupt":
                self._jobs[name].interrupt()
            return _answer(start_response, json.dumps(self._jobs[name].request).encode())
        return self._moto(environ, start_response)

    def _training(self, operation, body, environ, start_response):
        request = json.loads(body)
        name = request["TrainingJobName"]
        if operation == "StopTrainingJob":
            self._jobs[name].stop()
            return _answer(start_response, b"{}")
        answer = b"".join(self._moto(environ | {"wsgi.input": io.BytesIO(body)}, start_response))
        if b"TrainingJobArn" in answer:
            from moto.sagemaker.models import sagemaker_backends

            noted = sagemaker_backends[ACCOUNT][REGION].training_jobs[name]
            self._jobs[name] = _Job(request, noted, self._folder / name, self._image)
            threading.Thread(target=self._jobs[name].run, daemon=True).start()
        return [answer]

    def _invoke(self, name, environ, length, start_response):
        from moto.sagemaker.models import sagemaker_backends

        backend = sagemaker_backends[ACCOUNT][REGION]
        if name not in backend.endpoints:
            return _answer(start_response, json.dumps({"Message": f"no endpoint {name}"}).encode(), "400 Bad Request")
        config = backend.endpoint_configs[backend.endpoints[name].endpoint_config_name]
        key = name, config.production_variants[0]["ModelName"]  # another endpoint may have had that name
        if key not in self._endpoints:
            model = backend._models[key[1]].primary_container
            folder = self._folder / f"endpoint-{name}-{len(self._endpoints)}"
            _download(model["ModelDataUrl"], folder.with_suffix(".tar.gz"))
            with tarfile.open(folder.with_suffix(".tar.gz")) as tar:
                tar.extractall(folder, filter="data")
            serving = pathlib.Path(__file__).with_name("serving.py")
            command = [self._python, serving, folder, model["Environment"].get("SAGEMAKER_TFS_DEFAULT_MODEL_NAME", "")]
            self._endpoints[key] = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        server = self._endpoints[key]
        asked = {"attributes": environ.get("HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES", ""),
                 "body": environ["wsgi.input"].read(length).decode()}  # fmt: skip
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        answer = json.loads(server.stdout.readline())
        if answer["status"] == 200:
            return _answer(start_response, answer["body"].encode())
        reason = f"Received client error ({answer['status']}) from primary with message \"{answer['body']}\"."
        error = {"__type": "ModelError", "Message": reason}
        return _answer(start_response, json.dumps(error).encode(), "424 Failed Dependency")


class _Job:
    """A training job: AWS' training toolkit, on folders that stand for /opt/ml, one for each machine."""

    def __init__(self, request: dict, noted, folder: pathlib.Path, image: str):
        self.request, self._noted, self._folder, self._image = request, noted, folder, image
        self._interrupted = self._stopped = False
        self._processes = {}
        count = request["ResourceConfig"]["InstanceCount"]
        self._hosts = [f"algo-{i + 1}" for i in range(count)]
        noted.algorithm_specification["MetricDefinitions"] = request["AlgorithmSpecification"]["MetricDefinitions"]
        noted.training_job_status, noted.secondary_status, noted.training_end_time = "InProgress", "Training", None

    def interrupt(self) -> None:
        self._interrupted = True
        self._kill(signal.SIGKILL)

    def stop(self) -> None:
        self._stopped = True
        self._kill(signal.SIGTERM)

    def run(self) -> None:
        try:
            attempt = 0
            while True:
                attempt, self._interrupted = attempt + 1, False
                codes = self._attempt(self._folder / str(attempt))
                if not self._interrupted:
                    break
            base = self._folder / str(attempt)
            status = "Stopped" if self._stopped else "Failed" if any(codes) else "Completed"
            for host in self._hosts:
                failure = base / host / "output" / "failure"
                if status == "Failed" and failure.exists():
                    self._noted.failure_reason = failure.read_text()[:1024]
            for name, part in (("output", "output/data"), ("model", "model")):
                self._upload_archive(base, name, part)
        except Exception as error:  # a fault of the stand-in must not look like a job that is still running
            status, self._noted.failure_reason = "Failed", f"stand-in: {error!r}"
            raise
        finally:
            self._noted.training_end_time = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
            self._noted.training_job_status = self._noted.secondary_status = status

    def _attempt(self, base: pathlib.Path) -> list[int]:
        for host in self._hosts:
            self._prepare(base / host, host)
        for host in self._hosts:
            self._processes[host] = self._start(base / host)
        readers = [threading.Thread(target=self._read, args=(host,)) for host in self._hosts]
        for reader in readers:
            reader.start()
        while any(process.poll() is None for process in self._processes.values()):
            self._upload_checkpoints(base)
            time.sleep(0.3)
        for reader in readers:
            reader.join()
        if not self._interrupted:
            self._upload_checkpoints(base)
        return [process.returncode for process in self._processes.values()]

    def _prepare(self, ml: pathlib.Path, host: str) -> None:
        for part in ("input/config", "input/data", "model", "output/data", "code", "checkpoints"):
            (ml / part).mkdir(parents=True)
        channels = {channel["ChannelName"]: channel for channel in self.request.get("InputDataConfig", [])}
        for name, channel in channels.items():
            address = channel["DataSource"]["S3DataSource"]["S3Uri"]
            _download_all(address, ml / "input/data" / name)
        if "CheckpointConfig" in self.request:
            _download_all(self.request["CheckpointConfig"]["S3Uri"], ml / "checkpoints")
        resources = {
            "current_host": host,
            "hosts": self._hosts,
            "network_interface_name": "lo",
            "current_instance_type": self.request["ResourceConfig"]["InstanceType"],
            "current_group_name": "homogeneousCluster",
            "instance_groups": [],
        }
        config = ml / "input/config"
        hyperparameters = json.dumps(self.request["HyperParameters"]).replace("/opt/ml/", f"{ml}/")
        (config / "hyperparameters.json").write_text(hyperparameters)
        (config / "inputdataconfig.json").write_text(
            json.dumps({name: {"TrainingInputMode": "File"} for name in channels})
        )
        (config / "resourceconfig.json").write_text(json.dumps(resources))

    def _start(self, ml: pathlib.Path) -> subprocess.Popen:
        environment = {k: v for k, v in os.environ.items() if k.startswith(("AWS_", "HOME", "LANG", "PIP_"))}
        environment |= {
            "PATH": f"{pathlib.Path(self._image).parent}:/usr/bin:/bin",
            "SAGEMAKER_BASE_DIR": str(ml),
            "SAGEMAKER_TRAINING_MODULE": "sagemaker_tensorflow_container.training:main",
            "S3_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
            "PYTHONUNBUFFERED": "1",
            "SM_STUDIO_LOCAL_MODE": "true",  # or it waits for the machines' names to be known
            "TRAINING_JOB_NAME": self.request["TrainingJobName"],
        } | self.request.get("Environment", {})
        if self.request.get("EnableNetworkIsolation"):
            environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
        program = "import sys; from sagemaker_training.cli.train import main; sys.exit(main())"
        return subprocess.Popen(
            [self._image, "-c", program], env=environment, cwd=ml, text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def _kill(self, number: int) -> None:
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    def _read(self, host: str) -> None:
        """Sends a machine's lines to CloudWatch, and the figures in them."""
        import boto3

        logs, cloudwatch = boto3.client("logs"), boto3.client("cloudwatch")
        name = self.request["TrainingJobName"]
        place = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamName": f"{name}/{host}-{time.time_ns()}"}
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=place["logGroupName"])
        logs.create_log_stream(**place)
        definitions = self.request["AlgorithmSpecification"]["MetricDefinitions"]
        dimensions = [{"Name": "TrainingJobName", "Value": name}]
        for line in self._processes[host].stdout:
            event = {"timestamp": int(1000 * time.time()), "message": line.rstrip("\n") or " "}
            logs.put_log_events(**place, logEvents=[event])
            found = {d["Name"]: re.search(d["Regex"], line) for d in definitions}
            data = [
                {"MetricName": name, "Dimensions": dimensions, "Value": float(match[1])}
                for name, match in found.items()
                if match
            ]
            if data:
                cloudwatch.put_metric_data(Namespace="/aws/sagemaker/TrainingJobs", MetricData=data)

    def _upload_checkpoints(self, base: pathlib.Path) -> None:
        """Copies what has changed, file by file, and never takes anything back: as SageMaker does."""
        if "CheckpointConfig" not in self.request:
            return
        address = self.request["CheckpointConfig"]["S3Uri"]
        sent = self.__dict__.setdefault("_sent", {})
        for host in self._hosts:
            folder = base / host / "checkpoints"
            for path in sorted(folder.rglob("*")):
                with contextlib.suppress(FileNotFoundError):
                    version = (path.stat().st_mtime_ns, path.stat().st_size)
                    if path.is_file() and sent.get(path) != version and not self._interrupted:
                        _upload(path, f"{address}/{path.relative_to(folder)}")
                        sent[path] = version

    def _upload_archive(self, base: pathlib.Path, name: str, part: str) -> None:
        archive = base / f"{name}.tar.gz"
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            for host in self._hosts:
                for path in sorted((base / host / part).iterdir()):
                    tar.add(path, path.name)
        _upload(archive, f"{os.path.dirname(self._noted.model_artifacts['S3ModelArtifacts'])}/{name}.tar.gz")


def _split(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def _upload(path: pathlib.Path, address: str) -> None:
    import boto3

    boto3.client("s3").upload_file(str(path), *_split(address))


def _download(address: str, path: pathlib.Path) -> None:
    import boto3

    path.parent.mkdir(parents=True, exist_ok=True)
    boto3.client("s3").download_file(*_split(address), str(path))


def _download_all(address: str, folder: pathlib.Path) -> None:
    import boto3

    bucket, prefix = _split(address)
    for page in boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            name = found["Key"].removeprefix(prefix).strip("/") or os.path.basename(prefix)
            _download(f"s3://{bucket}/{found['Key']}", folder / name)


def _answer(start_response, body: bytes, status: str = "200 OK"):
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        with start(pathlib.Path(sys.argv[1])) as found:
            print(json.dumps(found), flush=True)
            sys.stdin.read()  # until whoever started this closes it
