"""What may befall a run directory between two jobs: damage, mistakes, other people's files."""
import json
import os
import random
import shutil

from case import Case, Turns, damaged, expect, newest, place, places, remove, resume
from lab import check, checkpoints, name

PASSED = "passed over with a warning that says why; the one before leads to the bits of a straight run"
REFUSED = "one error, exit code 4, and no file is touched; put right, it goes on to the bits of a straight run"


def files_of(ranks):
    """What it is called in the table, and its name: the shards at both ends, the model, the manifest."""
    yield "the first shard", f"shard-0000-of-{ranks:04}.h5"
    if ranks > 1:
        yield "the last shard", f"shard-{ranks - 1:04}-of-{ranks:04}.h5"
    yield "model.h5", "model.h5"
    yield "the manifest", "manifest.json"


def truncated():
    turns, where = Turns(9), places((2, 4))
    for what, size_of in (("to nothing", lambda n: 0), ("to 1 byte", lambda n: 1), ("to half", lambda n: n // 2),
                          ("by 1 byte", lambda n: n - 1)):
        ranks = next(where)
        for title, file in files_of(ranks):
            def damage(_, run, file=file, size_of=size_of):
                path = newest(run) / file
                os.truncate(path, size_of(path.stat().st_size))

            yield damaged("damage", f"{title} cut {what}", ranks, turns.other(ranks), damage, exactly=20, warnings=1,
                          says=(rf"warning: checkpoint passed over: .*{name(21)}/{file}: ",), must=PASSED)


def flip(path, at, bit=3):
    content = bytearray(path.read_bytes())
    content[int(at * (len(content) - 1))] ^= 1 << bit
    path.write_bytes(content)


def flipped():
    turns, where, bits = Turns(10), places((2, 4, 1)), random.Random(11)
    for what, at in (("in its first byte", 0.0), ("in its header", 0.003), ("in its first third", 0.3),
                     ("in its middle", 0.5), ("in its last byte", 1.0)):
        ranks = next(where)
        for title, file in files_of(ranks):
            def damage(_, run, file=file, at=at, bit=bits.randrange(8)):
                flip(newest(run) / file, at, bit)

            yield damaged("damage", f"one bit of {title} flipped {what}", ranks, turns.other(ranks), damage, exactly=20,
                          warnings=1, says=(rf"warning: checkpoint passed over: .*{name(21)}/{file}: ",), must=PASSED)


def missing():
    turns = Turns(12)
    for title, file in files_of(4):
        yield damaged("damage", f"{title} is missing", 4, turns.other(4), lambda _, run, f=file: (newest(run) / f).unlink(),
                      exactly=20, warnings=1, says=(rf"passed over: .*{name(21)}",), must=PASSED)

    def empty(_, run):
        remove(newest(run))
        newest(run).mkdir()

    yield damaged("damage", "its folder is empty", 2, 4, empty, exactly=20, warnings=1, must=PASSED)


def exchange(one, other):
    spare = one.with_name("spare")
    one.rename(spare), other.rename(one), spare.rename(other)


def mixed_up():
    """Files that are whole, but not the ones that belong here."""
    turns = Turns(13)

    def swapped(_, run):
        exchange(newest(run) / "shard-0000-of-0004.h5", newest(run) / "shard-0001-of-0004.h5")

    def of_step_20(_, run, file):
        shutil.copy(newest(run, 20) / file, newest(run) / file)

    def of_another_run(lab, run, file):
        shutil.copy(newest(lab.other({"run.seed": "8"}, 2), 28) / file, newest(run) / file)

    def of_other_ranks(lab, run):
        remove(newest(run) / "shard-0002-of-0004.h5")
        shutil.copy(newest(lab.other({}, 2), 28) / "shard-0000-of-0002.h5", newest(run) / "shard-0002-of-0004.h5")

    def passed(what, ranks, damage, **more):
        more = {"exactly": 20, "warnings": 1, "must": PASSED} | more
        return damaged("damage", what, ranks, turns.other(ranks), damage, **more)

    yield passed("two shards exchanged", 4, swapped)
    for title, file in files_of(2):
        yield passed(f"{title} is that of step 20", 2, lambda lab, run, f=file: of_step_20(lab, run, f))
        yield passed(f"{title} is that of another run", 2, lambda lab, run, f=file: of_another_run(lab, run, f))
    yield passed("a shard of a run on other ranks", 4, of_other_ranks)
    yield passed("the checkpoint of step 20 renamed to step 21", 4,
                 lambda _, run: (remove(newest(run)), newest(run, 20).rename(newest(run))), exactly=16,
                 says=("is the checkpoint of step 20 under another name",))
    yield passed("the checkpoint of step 21 renamed to step 29", 4,
                 lambda _, run: newest(run).rename(newest(run, 29)),
                 says=("is the checkpoint of step 21 under another name",))


def reseal(lab, folder, change=None):
    """Writes the manifest anew so that all its digests fit: only what is said in the files themselves is wrong."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest.pop("xxh3_128_of_the_lines_below")
    for record in manifest.get("files", []):
        content = (folder / record["name"]).read_bytes()
        record["bytes"], record["xxh3_128"] = len(content), lab.tool("digest", input=content).decode().strip()
    if change:
        change(manifest)
    below = json.dumps(manifest, indent=2)[2:] + "\n"
    digest = lab.tool("digest", input=below.encode()).decode().strip()
    path.write_text('{"xxh3_128_of_the_lines_below": "%s",\n%s' % (digest, below))


def forged():
    """Every digest is right: as another version or another program would write it."""
    turns = Turns(14)

    def manifest_with(change):
        return lambda lab, run: reseal(lab, newest(run), change)

    for what, change, says in (
            ("a later format version in the manifest", lambda m: m.update(format_version=2), "version 2.*up to 1"),
            ("a format version of 0 in the manifest", lambda m: m.update(format_version=0), "version 0"),
            ("another format in the manifest", lambda m: m.update(format="tar"), "is not the manifest of a checkpoint"),
            ("no step in the manifest", lambda m: m.pop("step"), "step"),
            ("a text for the step in the manifest", lambda m: m.update(step="21"), "manifest.json"),
            ("another step in the manifest", lambda m: m.update(step=23),
             "is the checkpoint of step 23 under another name"),
            ("0 ranks in the manifest", lambda m: m.update(ranks=0), "manifest.json"),
            ("more ranks in the manifest", lambda m: m.update(ranks=5), "does not name shard-0000-of-0005"),
            ("no files in the manifest", lambda m: m.update(files=[]), "does not name shard")):
        ranks = turns.other(0)
        yield damaged("damage", what, ranks, turns.other(ranks), manifest_with(change), exactly=20, warnings=1,
                      says=(f"passed over: .*{says}",), must=PASSED)

    def attribute(name_, value):
        def damage(lab, run):
            lab.tool("set", newest(run) / "shard-0001-of-0002.h5", name_, value)
            reseal(lab, newest(run))
        return damage

    def swapped(lab, run):
        exchange(newest(run) / "shard-0000-of-0002.h5", newest(run) / "shard-0001-of-0002.h5")
        reseal(lab, newest(run))

    for what, damage, says in (
            ("a later format version in a shard", attribute("format_version", 2), "format_version 2, expected 1"),
            ("another rank in a shard", attribute("rank", 0), "rank 0, expected 1"),
            ("another step in a shard", attribute("step", 20), "step 20, expected 21"),
            ("two shards exchanged, with digests that fit", swapped, "rank 1, expected 0")):
        yield damaged("damage", what, 2, turns.other(2), damage, code=4, says=(says,), must=REFUSED,
                      mended=lambda _, run: remove(newest(run)))


def gone():
    turns = Turns(15)

    def only_those(*steps):
        return lambda _, run: [remove(newest(run, s)) for s in (16, 20, 21) if s not in steps]

    for what, keep, step in (("the newest is deleted", (16, 20), 20), ("the two newest are deleted", (16,), 16),
                             ("all but the newest are deleted", (21,), 21)):
        yield damaged("damage", what, 4, turns.other(4), only_those(*keep), exactly=step, warnings=0,
                      must="goes on from the newest that is there, to the bits of a straight run")
    for what, damage in (("all checkpoints are deleted", only_those()),
                         ("checkpoints/ is deleted", lambda _, run: remove(run / "checkpoints")),
                         ("the whole run directory is deleted", lambda _, run: remove(run))):
        yield damaged("damage", what, 2, turns.other(2), damage, exactly=0, warnings=0,
                      must="starts anew, to the bits of a straight run")

    def cut(*steps):
        return lambda _, run: [os.truncate(newest(run, s) / "model.h5", 100) for s in steps]

    yield damaged("damage", "the two newest are damaged", 4, turns.other(4), cut(20, 21), exactly=16, warnings=2,
                  must=PASSED)
    for what, damage in (
            ("all are damaged", cut(16, 20, 21)),
            ("all manifests are deleted", lambda _, run: [(p / "manifest.json").unlink() for p in checkpoints(run)]),
            ("one bit of every model.h5 flipped", lambda _, run: [flip(p / "model.h5", 0.5) for p in checkpoints(run)])):
        yield damaged("damage", what, 2, turns.other(2), damage, code=4, says=("none of the 3 checkpoints",),
                      must=REFUSED, mended=lambda _, run: [remove(p) for p in checkpoints(run)])


def links_and_strays():
    turns = Turns(16)

    def link(which, to):
        def damage(_, run):
            (run / "checkpoints" / which).unlink()
            if to:
                (run / "checkpoints" / which).symlink_to(to)
        return damage

    def file(which):
        def damage(_, run):
            (run / "checkpoints" / which).unlink()
            (run / "checkpoints" / which).write_text("not a link")
        return damage

    unharmed = "nothing comes of it: goes on from the newest, to the bits of a straight run"
    for what, damage in (
            ("latest leads nowhere", link("latest", name(99))), ("latest leads to itself", link("latest", "latest")),
            ("latest is missing", link("latest", None)), ("latest is a file", file("latest")),
            ("best leads nowhere", link("best", name(99))), ("best is missing", link("best", None)),
            ("best is a file", file("best"))):
        ranks = turns.other(0)
        yield damaged("damage", what, ranks, turns.other(ranks), damage, exactly=21, warnings=0, must=unharmed)

    def stray(path, content):
        def damage(_, run):
            target = run / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        return damage

    half = f"checkpoints/{name(24)}.partial"
    for what, damage in (
            ("a folder .partial with rubbish", stray(half + "/shard-0000-of-0002.h5", "rubbish")),
            ("a .partial of many files", stray(half + "/sub/folder/file", "rubbish")),
            ("a file called .partial", stray(half, "rubbish")),
            ("a .partial that lacks only its new name", lambda _, run: shutil.copytree(newest(run), run / half)),
            ("a half-removed checkpoint", stray(f"checkpoints/{name(12)}.removed/model.h5", "rubbish")),
            ("a half-replaced checkpoint", stray(f"checkpoints/{name(12)}.replaced/model.h5", "rubbish")),
            ("half a link latest.partial", stray("checkpoints/latest.partial", "rubbish")),
            ("a foreign file in checkpoints/", stray("checkpoints/notes", "mine")),
            ("a stray config.yaml.partial", stray("config.yaml.partial", "rubbish")),
            ("a stray metrics.jsonl.partial", stray("metrics.jsonl.partial", "rubbish"))):
        ranks = turns.other(0)
        yield damaged("damage", what, ranks, turns.other(ranks), damage, exactly=21, warnings=0, must=unharmed)
    for what, damage in (("a later step that is an empty folder", lambda _, run: newest(run, 99).mkdir()),
                         ("a later step that is a file", stray(f"checkpoints/{name(99)}", "rubbish"))):
        yield damaged("damage", what, 2, turns.other(2), damage, exactly=21, warnings=1, must=PASSED)


def no_folder():
    def damage(_, run):
        (run / "checkpoints").rename(run / "spare")
        (run / "checkpoints").write_text("not a folder")

    def mended(_, run):
        (run / "checkpoints").unlink()
        (run / "spare").rename(run / "checkpoints")

    yield damaged("damage", "checkpoints/ is a file", 2, 4, damage, code=4, says=("checkpoints: Not a directory",),
                  must=REFUSED, mended=mended)


def records():
    """What stands beside the checkpoints."""
    turns = Turns(17)

    def append(text):
        def damage(_, run):
            with open(run / "metrics.jsonl", "a") as out:
                out.write(text)
        return damage

    trimmed = "the line goes; every epoch stands once, with the bits of a straight run"
    for what, damage, epochs, must in (
            ("half a line at the end of metrics.jsonl", append('{"event":"epoch","epo'), None, trimmed),
            ("a line of metrics.jsonl that is no JSON", append("\0\0\0\n"), None, trimmed),
            ("an epoch too many in metrics.jsonl", append('{"event":"epoch","epoch":3,"step":30}\n'), None, trimmed),
            ("metrics.jsonl is deleted", lambda _, run: remove(run / "metrics.jsonl"), (3,),
             "it holds what follows, with the bits of a straight run"),
            ("config.yaml is deleted", lambda _, run: remove(run / "config.yaml"), None, "written anew, the same bits"),
            ("config.yaml is rubbish", lambda _, run: (run / "config.yaml").write_text("]["), None,
             "written anew, the same bits")):
        yield damaged("damage", what, 4, turns.other(4), damage, exactly=21, warnings=0, epochs=epochs, must=must)


def other_settings():
    turns = Turns(18)
    for key, value, says in (
            ("model.hidden", "[16, 4]", "model.hidden is .*16, 4.*, and was .*16, 8"),
            ("model.embedding_dim", "4", "model.embedding_dim is 4, and was 8"),
            ("model.batch_norm", "false", "model.batch_norm is false, and was true"),
            ("model.kind", "dot", "model.kind is dot, and was neural"),
            ("run.seed", "8", "run.seed is 8, and was 7"),
            ("train.batch_size", "32", "train.batch_size is 32, and was 64"),
            ("train.optimizer", "sgd", "train.optimizer is sgd, and was adamw"),
            ("train.embedding_update", "dense", "train.embedding_update is dense, and was lazy"),
            ("data.synthetic.ratings", "700", "was trained on other ratings"),
            ("data.valid_fraction", "0.3", "was trained on other ratings"),
            ("train.epochs", "1", "train.epochs is 1, and .* has 2 epochs done")):
        ranks = turns.other(0)
        yield damaged("damage", f"resumed with {key} {value}", ranks, turns.other(ranks), lambda lab, run: None,
                      code=4, says=(says,), flags={key: value}, must=REFUSED)

    def foreign(flags):
        return lambda lab, run: shutil.copytree(newest(lab.other(flags, 2), 24), newest(run, 24))

    for what, flags, says in (
            ("of a model with other layers", {"model.hidden": "[16, 4]"}, "model.hidden is"),
            ("of another kind of model", {"model.kind": "dot"}, "model.kind is neural, and was dot"),
            ("of other data", {"data.synthetic.ratings": "700"}, "was trained on other ratings"),
            ("of another seed", {"run.seed": "8"}, "run.seed is 7, and was 8")):
        yield damaged("damage", f"a later checkpoint {what} among its own", 2, turns.other(2), foreign(flags), code=4,
                      says=(says,), must=REFUSED, mended=lambda _, run: remove(newest(run, 24)))


def initial_weights():
    """--init-from takes the checkpoint that it is given, or none."""

    def case(what, damage, says, flags=(), ranks=2):
        def run(lab, run_dir):
            source = run_dir.with_name(run_dir.name + "-source")
            lab.stopped(2, source)
            damage(lab, source)
            ended = lab.train(run_dir, ranks, {"init-from": str(newest(source))} | dict(flags))
            expect(ended, (4,), (says,))
            check(len(ended.lines("error")) == 1, f"not exactly one error\n{ended.output}")
            check(not checkpoints(run_dir), f"a checkpoint was written\n{ended.output}")
            resume(lab, run_dir, ranks, exactly=0)

        return Case("damage", f"--init-from a checkpoint {what}", place("all", ranks), f"{ranks}",
                    "one error, exit code 4; nothing is in the way of a start without it", run)

    yield case("with a flipped bit", lambda lab, run: flip(newest(run) / "shard-0001-of-0002.h5", 0.6), "is damaged")
    yield case("that is cut short", lambda lab, run: os.truncate(newest(run) / "model.h5", 5000), "has 5000 bytes", ranks=1)
    yield case("that is not there", lambda lab, run: remove(newest(run)), "no such directory|No such file", ranks=4)
    yield case("of a later format",
               lambda lab, run: reseal(lab, newest(run), lambda m: m.update(format_version=2)), "version 2")
    yield case("of a model with other layers", lambda lab, run: None, "mlp", {"model.hidden": "[8]"}, ranks=4)


def cases():
    for group in (truncated, flipped, missing, mixed_up, forged, gone, links_and_strays, no_folder, records, other_settings,
                  initial_weights):
        yield from group()
