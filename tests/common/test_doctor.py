import pytest

from common import doctor


def test_every_pinned_package_is_installed_in_its_version():
    wrong = {
        name: doctor.package_version(name, wanted)
        for name, wanted in doctor.pinned().items()
        if doctor.package_version(name, wanted)[1] != "fine"
    }
    assert wrong == {}


def test_missing_package_is_named_with_the_command_that_installs_it():
    assert doctor.package_version("no-such-package", "1.0") == (
        "missing",
        "run: pip install -r requirements.txt",
    )


def test_other_version_is_shown_beside_the_tested_one():
    found, advice = doctor.package_version("numpy", "0.1")
    assert found != "0.1"
    assert "tested with 0.1" in advice


def test_an_unknown_flag_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["doctor", "--hepl"])
    monkeypatch.setattr(doctor, "diagnose", lambda: pytest.fail("nothing is to be done"))
    with pytest.raises(SystemExit) as ended:
        doctor.main()
    assert ended.value.code == 2
    assert "--hepl" in capsys.readouterr().err


def test_data_of_the_repository_are_counted():
    assert doctor.digits() == ("60,000 + 10,000 images", "fine")


def test_celeba_is_counted_where_it_is_named_and_not_missed_where_not(tmp_path, monkeypatch):
    from common.datasets.drawn import write_celeba

    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    found, advice = doctor.faces(None)
    assert (found, advice.startswith("fine without")) == ("none prepared by TFDS", True)
    write_celeba(tmp_path / "celeba", {"train": 3, "dev": 1, "test": 1})
    found, advice = doctor.faces(tmp_path / "celeba")
    assert found.startswith("5 images, JPEG files in")
    assert advice == "fine"
    (tmp_path / "celeba" / "img_align_celeba" / "000005.jpg").unlink()
    _, advice = doctor.faces(tmp_path / "celeba")
    assert advice.startswith("There are no images in test, which a training needs")
    (tmp_path / "celeba" / "img_align_celeba" / "000001.jpg").write_bytes(b"")
    _, advice = doctor.faces(tmp_path / "celeba")
    assert "000001 of JPEG files in" in advice
    (tmp_path / "empty").mkdir()
    found, advice = doctor.faces(tmp_path / "empty")
    assert found == f"none in {tmp_path / 'empty'}"
    assert "looked for images in" in advice


@pytest.mark.parametrize(
    ("fast", "said"), [(True, "bfloat16 in the processor"), (False, "float32")]
)
def test_the_precision_of_auto_is_told(monkeypatch, fast, said):
    monkeypatch.setattr(doctor.device, "has_bfloat16", lambda: fast)
    found, advice = doctor.precision()
    assert found == said
    assert advice.startswith("fine")


def test_without_a_gpu_the_advice_names_the_requirements_file():
    found, advice = doctor.gpu()
    assert found.startswith("none")
    assert "requirements-gpu.txt" in advice
