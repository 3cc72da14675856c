"""The student: a small network over pieces of words that answers as the teacher does, but fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from bedside.patients.classifier import PADDING, WINDOW, pieces_of, words_of

__all__ = ["Student"]

WIDTH = 128
BATCH = 256
STEPS = 127
"""A number of a piece's vector is stored as one signed byte."""


class Student(torch.nn.Module):
    """Vectors of pieces, two layers over windows of three, then the maximum and mean of each.

    Args:
        vectors: a first vector for each piece, row `PADDING` for none; shape (pieces, size).
        rows: piece -> row.
        labels: what a text can be.
    """

    def __init__(self, vectors: Any, rows: dict[str, int], labels: list[str]) -> None:
        super().__init__()
        self.rows, self.labels = rows, labels
        self.first = torch.tensor(vectors)
        self.vectors = torch.nn.Parameter(self.first.clone())
        size = vectors.shape[1]
        self.lower = torch.nn.Linear(WINDOW * size, WIDTH)
        self.upper = torch.nn.Linear(WINDOW * WIDTH, WIDTH)
        self.head = torch.nn.Linear(2 * WIDTH, len(labels))
        self.drop = torch.nn.Dropout(0.2)

    def forward(self, numbers: Any) -> Any:
        """Logits of texts as rows of pieces; shape (texts, length) -> (texts, labels)."""
        mask = (numbers != PADDING).unsqueeze(-1).float()
        hidden = self.drop(self.vectors[numbers]) * mask
        hidden = torch.relu(self.lower(_windows(hidden))) * mask
        hidden = torch.relu(self.upper(_windows(hidden))) * mask
        pooled = torch.cat([hidden.amax(1), hidden.sum(1) / mask.sum(1).clamp(min=1)], 1)
        return self.head(self.drop(pooled))

    def learn(self, texts: list[str], wanted: Any, epochs: int) -> None:
        """Train to give the wanted shares of labels; shape (texts, labels)."""
        numbers = [pieces_of(words_of(text), self.rows) for text in texts]
        shares = torch.tensor(wanted)
        layers = [*self.lower.parameters(), *self.upper.parameters(), *self.head.parameters()]
        optimizer = torch.optim.AdamW(
            [
                {"params": layers, "lr": 2e-3},
                {"params": [self.vectors], "lr": 1e-3, "weight_decay": 0},
            ]
        )
        steps = epochs * (len(texts) // BATCH + 1)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: max(0.02, 1 - step / steps)
        )
        shuffle = torch.Generator().manual_seed(1)
        self.train()
        for epoch in range(epochs):
            total = 0.0
            for chunk in torch.randperm(len(texts), generator=shuffle).split(BATCH):
                guess = torch.log_softmax(self(_padded([numbers[i] for i in chunk])), 1)
                loss = -(shares[chunk] * guess).sum(1).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item() * len(chunk)
            print(f"student, epoch {epoch + 1}: loss {total / len(texts):.3f}", flush=True)
        self.eval()

    def save(self, target: Path, spoken: int) -> None:
        """Write what `bedside.patients.classifier` reads.

        Args:
            spoken: how many of the first pieces are words of the labelled lines.
        """
        vectors = self.vectors.detach().numpy()
        scale = np.abs(vectors).max() / STEPS
        layers = {
            f"{name}_{kind}": getattr(getattr(self, name), kind)
            .detach()
            .numpy()
            .T.astype(np.float16)
            for name in ("lower", "upper", "head")
            for kind in ("weight", "bias")
        }
        np.savez_compressed(
            target,
            pieces=np.frombuffer("\n".join(self.rows).encode(), dtype=np.uint8),
            labels=np.frombuffer("\n".join(self.labels).encode(), dtype=np.uint8),
            vectors=np.round(vectors / scale).astype(np.int8),
            scale=np.float32(scale),
            spoken=np.int32(spoken),
            **layers,
        )


def _windows(hidden: Any) -> Any:
    """Each position with its neighbours; shape (texts, length, size) -> (texts, length, 3 size)."""
    framed = torch.nn.functional.pad(hidden, (0, 0, 1, 1))
    return torch.cat([framed[:, :-2], framed[:, 1:-1], framed[:, 2:]], 2)


def _padded(rows: list[list[int]]) -> Any:
    longest = max(1, max(map(len, rows)))
    return torch.tensor([row + [PADDING] * (longest - len(row)) for row in rows])
