"""The teacher: a sentence encoder, trained on the labelled lines until it can label others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from scripts.understanding.corpus import slipped

__all__ = ["Teacher"]

BATCH = 32
SLIPS = 0.15
BARE = 0.15


class Teacher(torch.nn.Module):
    """A pretrained encoder (all-MiniLM-L6-v2, Apache-2.0) with a head for the labels.

    Args:
        path: the directory of the encoder's weights and tokenizer.
        labels: what a line can be.
    """

    def __init__(self, path: Path, labels: list[str]) -> None:
        super().__init__()
        self.tokens = AutoTokenizer.from_pretrained(path)
        self.encoder = AutoModel.from_pretrained(path)
        self.labels = labels
        self.drop = torch.nn.Dropout(0.1)
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, len(labels))

    def pooled(self, texts: list[str]) -> Any:
        """The mean of the last layer over the tokens; shape (texts, width)."""
        batch = self.tokens(
            texts, padding=True, truncation=True, max_length=40, return_tensors="pt"
        )
        hidden = self.encoder(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).float()
        return (hidden * mask).sum(1) / mask.sum(1)

    def forward(self, texts: list[str]) -> Any:
        return self.head(self.drop(self.pooled(texts)))

    def learn(self, lines: list[tuple[str, str]], epochs: int) -> None:
        """Train on labelled lines, slips of the keyboard and missing marks added."""
        dice = random.Random(1)
        number = {label: i for i, label in enumerate(self.labels)}
        for one in self.encoder.embeddings.parameters():
            one.requires_grad = False
        learning = [one for one in self.encoder.parameters() if one.requires_grad]
        optimizer = torch.optim.AdamW(
            [{"params": learning, "lr": 6e-5}, {"params": self.head.parameters(), "lr": 2e-3}]
        )
        steps = epochs * (len(lines) // BATCH + 1)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1.0, step / 100) * max(0.03, 1 - step / steps)
        )
        loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.05)
        self.train()
        for epoch in range(epochs):
            total = 0.0
            for chunk in _batches(lines, dice):
                texts = [_worn(text, dice) for _, text in chunk]
                loss = loss_of(self(texts), torch.tensor([number[label] for label, _ in chunk]))
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                total += loss.item() * len(chunk)
            print(f"teacher, epoch {epoch + 1}: loss {total / len(lines):.3f}", flush=True)
        self.eval()

    def label(self, texts: list[str], batch: int = 128) -> Any:
        """Logits; shape (texts, labels), numpy."""
        self.eval()
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        out = np.zeros((len(texts), len(self.labels)), np.float32)
        with torch.no_grad():
            for start in range(0, len(order), batch):
                rows = order[start : start + batch]
                out[rows] = self([texts[i] for i in rows]).numpy()
        return out

    def meanings(self, words: list[str], batch: int = 256) -> Any:
        """A vector for each word by itself; shape (words, width), numpy."""
        self.eval()
        chunks = [words[i : i + batch] for i in range(0, len(words), batch)]
        with torch.no_grad():
            return np.concatenate([self.pooled(chunk).numpy() for chunk in chunks])


def _batches(lines: list[tuple[str, str]], dice: random.Random) -> Iterator[list[tuple[str, str]]]:
    """Batches of lines of like length, in random order."""
    order = dice.sample(lines, len(lines))
    chunks = []
    for start in range(0, len(order), BATCH * 20):
        alike = sorted(order[start : start + BATCH * 20], key=lambda line: len(line[1]))
        chunks += [alike[i : i + BATCH] for i in range(0, len(alike), BATCH)]
    yield from dice.sample(chunks, len(chunks))


def _worn(text: str, dice: random.Random) -> str:
    if dice.random() < SLIPS:
        text = slipped(text, dice)
    return text.rstrip("?.!") if dice.random() < BARE else text
