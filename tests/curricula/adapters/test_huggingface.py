"""Hugging Face: rankings joined by id, data sets in the order shown, and the sampler inside of Trainer."""
# pyright: reportAttributeAccessIssue=false

import numpy as np
import pytest

datasets = pytest.importorskip("datasets")

from curricula import Ranking, Sampler, pace  # noqa: E402
from curricula.adapters.huggingface import align, iterable, selected  # noqa: E402

P = 40
SCORES = np.random.default_rng(0).random(P)
NAMES = np.array([f"n{i}" for i in range(P)])
DATA = datasets.Dataset.from_dict({"x": [i**2 for i in range(P)], "name": NAMES.tolist()})


def make(**more):
    return Sampler(SCORES, **({"pacing": pace("linear", total=20, b=0.3), "batch_size": 6, "seed": 3} | more))


EXPECTED = [(make().batch(step) ** 2).tolist() for step in range(15)]


def flat(batches):
    return [x for batch in batches for x in batch]


def test_selected_and_iterable_show_the_sequence():
    assert list(selected(DATA, make(), stop=15).to_dict()["x"]) == flat(EXPECTED)
    assert list(selected(DATA, make(), start=3, stop=5).to_dict()["x"]) == flat(EXPECTED[3:5])
    stream = iterable(DATA, make(), stop=15)
    assert [batch["x"] for batch in stream.batch(6)] == EXPECTED


def test_an_iterable_goes_on_from_its_own_state():
    stream = iterable(DATA, make(), stop=15)
    last = [row["x"] for _, row in zip(range(44), stream, strict=False)][-1]
    state = stream.state_dict()
    again = iterable(DATA, make(), stop=15)
    again.load_state_dict(state)
    assert [last, *(row["x"] for row in again)] == flat(EXPECTED)[43:]


def test_an_iterable_starts_where_the_sampler_is():
    sampler = make()
    sampler.load_state_dict(make().state_dict(step=4))
    assert [row["x"] for row in iterable(DATA, sampler, stop=6)] == flat(EXPECTED[4:6])


def test_a_ranking_is_joined_by_ids():
    shuffled = np.random.default_rng(1).permutation(P)
    ranking = Ranking(SCORES[shuffled], ids=NAMES[shuffled])
    assert align(ranking, DATA, "name").scores.tolist() == SCORES.tolist()
    part = DATA.select([7, 3])
    assert align(ranking, part, "name").scores.tolist() == SCORES[[7, 3]].tolist()


@pytest.mark.parametrize(
    ("ranking", "data", "column", "message"),
    [
        (Ranking(SCORES), DATA, "name", "the ranking has no ids to join by"),
        (Ranking(SCORES, ids=NAMES), DATA, "id", "unknown column 'id'; known: name, x"),
        (
            Ranking(SCORES[2:], ids=NAMES[2:]), DATA, "name",
            "2 of 40 rows have an id that the ranking lacks, the first is 'n0'",
        ),
        (Ranking(SCORES, ids=NAMES), DATA.select([1, 1]), "name", "column 'name' has 1 ids that repeat"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined(ranking, data, column, message):
    with pytest.raises(ValueError, match=message):
        align(ranking, data, column)


def test_other_data_are_refused():
    for call in (selected, iterable):
        with pytest.raises(ValueError, match="the data have 2 examples but the ranking 40"):
            call(DATA.select([0, 1]), make(), stop=2)


def trainer_in(folder, shown, *, max_steps, **more):
    """A Trainer of one weight that writes down what it is shown."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    from curricula.adapters.torch import ExampleSampler

    class One(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x, labels=None):
            shown.append(x.tolist())
            return {"loss": ((self.w - x / 1000.0) ** 2).mean()}

    class CurriculumTrainer(transformers.Trainer):
        def _get_train_sampler(self, train_dataset=None):
            return ExampleSampler(make())

    arguments = transformers.TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=3, gradient_accumulation_steps=2, report_to=[],
        max_steps=max_steps, save_steps=4, use_cpu=True, disable_tqdm=True, logging_strategy="no", **more,
    )  # fmt: skip
    return CurriculumTrainer(model=One(), args=arguments, train_dataset=DATA.select_columns("x"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_trainer_shows_the_sequence_and_resumes_it(tmp_path):
    shown, rest = [], []
    trainer_in(tmp_path, shown, max_steps=10).train()
    assert np.reshape(shown, (10, 6)).tolist() == EXPECTED[:10]
    trainer_in(tmp_path, rest, max_steps=10).train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))
    assert np.reshape(rest, (2, 6)).tolist() == EXPECTED[8:10]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_fine_tuning_with_trl_shows_the_sequence(tmp_path):
    trl, transformers = pytest.importorskip("trl"), pytest.importorskip("transformers")
    from curricula.adapters.torch import ExampleSampler

    shown = []

    class CurriculumTrainer(trl.SFTTrainer):
        def _get_train_sampler(self, train_dataset=None):
            return ExampleSampler(make())

        def compute_loss(self, model, inputs, *rest, **more):
            shown.append((inputs["input_ids"][:, 0] - 1).tolist())
            return super().compute_loss(model, inputs, *rest, **more)

    tokenizers = pytest.importorskip("tokenizers")
    words = {"[UNK]": 0, "[PAD]": 1} | {f"w{i}": i for i in range(2, P + 1)}
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]")),
        unk_token="[UNK]", pad_token="[PAD]", eos_token="[PAD]",
    )  # fmt: skip
    config = transformers.GPT2Config(vocab_size=P + 1, n_embd=8, n_layer=1, n_head=1)
    arguments = trl.SFTConfig(
        str(tmp_path), max_steps=8, per_device_train_batch_size=3, gradient_accumulation_steps=2, bf16=False,
        use_cpu=True, report_to=[], disable_tqdm=True, save_strategy="no",
    )  # fmt: skip
    data = datasets.Dataset.from_dict({"input_ids": [[i + 1] * 4 for i in range(P)]})
    model = transformers.GPT2LMHeadModel(config)
    CurriculumTrainer(model=model, args=arguments, train_dataset=data, processing_class=tokenizer).train()
    assert np.reshape(shown, (8, 6)).tolist() == [make().batch(step).tolist() for step in range(8)]
