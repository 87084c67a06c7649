"""The disk is full: a file system of its own, really filled. People in danger are answered, nobody is answered wrongly, and
once there is room the service goes on by itself."""

import json
import shutil
import subprocess
import sys

import pytest

from bot.training import ROOT

pytestmark = [pytest.mark.faults]

#: Runs inside a mount namespace of its own, where mounting needs no right of the machine's.
SCRIPT = """
import json, os, sys
from pathlib import Path
from xml.etree import ElementTree
home = Path(sys.argv[1])
from bot import encryption
from bot.careline import Careline
from bot.directory.importer import import_package
from bot.settings import Settings
from bot.training import ROOT
from tests.conftest import Texter, environment
from tests.fakes import FakeDialogue
from webhooks.app import create_app
careline = Careline.open(Settings.from_env(environment(home)))
careline.database.migrate()
import_package(careline.database, ROOT / "data" / "directory")
app = create_app(careline, FakeDialogue())
app.testing = False
texter = Texter(app.test_client())
def say(text, sid, **more):
    response = texter.post({"Body": text, "MessageSid": sid, **more})
    texts = [m.text for m in ElementTree.fromstring(response.text).iter("Message")] if response.status_code == 200 else []
    return [response.status_code, *texts]
found = {"before": say("food in Riverside", "SM1")}
block = home / "block"
with block.open("wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(4096))
    except OSError as error:
        found["full"] = error.strerror
found["danger"] = say("my husband is hitting me", "SM2")
found["plain"] = say("a bed for tonight " * 20, "SM3")
found["last try"] = say("a bed for tonight " * 20, "SM3", ErrorCode="11200")
block.unlink()
found["after"] = say("a bed for tonight", "SM4")
print(json.dumps(found))
"""


def test_a_full_disk(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("full")
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*inside, "mount -t tmpfs none /mnt"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system of their own")
    command = f'mount -t tmpfs -o size=24m none {home} && exec {sys.executable} -c "$0" {home}'
    done = subprocess.run([*inside, command, SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(found)
    assert found["full"] == "No space left on device"
    assert found["danger"][0] == 200
    assert "112" in found["danger"][1]
    assert found["plain"][0] in (200, 503)
    assert found["last try"][0] == 200
    assert found["after"][0] == 200
