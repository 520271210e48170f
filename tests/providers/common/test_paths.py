from __future__ import annotations

from pathlib import Path

from environments.model.spec import EnvironmentSpec
from environments.providers.common.failures import certainly
from environments.providers.common.paths import absolute, absolute_secrets
from environments.providers.local import LocalProvider
from environments.secrets.references import SecretRef


def test_paths_become_absolute_without_a_look_at_the_disk() -> None:
    base = Path("/base")

    assert absolute(Path("../app/./x"), base) == Path("/app/x")
    assert absolute(Path("~/app"), base) == Path("~/app").expanduser()
    assert absolute(Path("~no-such-user/app"), base) == Path("/base/~no-such-user/app")
    assert absolute_secrets(
        {"A": "text", "B": SecretRef(file=Path("key")), "C": SecretRef(env="C")}, base
    ) == {
        "A": "text",
        "B": SecretRef(file=Path("/base/key")),
        "C": SecretRef(env="C"),
    }


def test_a_path_that_the_system_can_not_look_up_is_nothing(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 300)

    assert certainly(tmp_path.is_dir)
    assert not certainly(long.is_dir)
    spec = EnvironmentSpec(name="web", provider=LocalProvider(app=long))
    assert [problem[:4] for problem in spec.provider.problems()] == ["app:"]
