"""A curriculum in transformers' Trainer (and what derives from it): one method, resumed by the Trainer."""

import tempfile

import torch
import transformers
from datasets import Dataset

from curricula import Sampler, pace
from curricula.adapters.torch import ExampleSampler

data = Dataset.from_dict({"input_ids": [[i % 90 + 1] * 8 for i in range(96)], "hardness": range(96)})


class CurriculumTrainer(transformers.Trainer):
    def _get_train_sampler(self, train_dataset=None):  # batch_size: of an optimizer step on all devices
        pacing = pace("linear", total=self.args.max_steps, a=0.8, b=0.25)
        return ExampleSampler(Sampler(data["hardness"][:], pacing=pacing, batch_size=8, seed=1))


model = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=100, n_embd=8, n_layer=1, n_head=1))
options = transformers.TrainingArguments(tempfile.mkdtemp(), max_steps=6, use_cpu=True, report_to=[])
collate = lambda rows: dict.fromkeys(("input_ids", "labels"), torch.tensor([r["input_ids"] for r in rows]))  # noqa: E731
print(f"loss {CurriculumTrainer(model, options, collate, data).train().training_loss:.2f}")
