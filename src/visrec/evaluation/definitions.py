"""What each metric means, for the readers of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["DEFINITIONS", "Definition", "axis_label", "title_of"]


@dataclass(frozen=True)
class Definition:
    """A metric, explained.

    Attributes:
        title: its name for people.
        meaning: what it says, with range and unit.
        formula: how it is computed, in plain text.
        source: the publication, "" for what needs none.
        unit: as on an axis; "" for a share.
    """

    title: str
    meaning: str
    formula: str
    source: str = ""
    unit: str = ""


#: Metric without "@k" -> definition, in the order of reports.
DEFINITIONS: Mapping[str, Definition] = MappingProxyType(
    {
        "ndcg": Definition(
            "NDCG",
            "How high the liked items stand in the list; 0 to 1, higher is better.",
            "DCG / ideal DCG, DCG = Σ hit(r) / log₂(r + 1), binary gain",
            "Järvelin & Kekäläinen 2002, doi:10.1145/582415.582418",
        ),
        "recall": Definition(
            "Recall", "Share of a user's liked items that is in the list; 0 to 1, higher is better.", "Σ hit(r) / R"
        ),
        "precision": Definition(
            "Precision", "Share of the list that the user liked; 0 to 1, higher is better.", "Σ hit(r) / k"
        ),
        "mrr": Definition(
            "MRR", "One over the rank of the first hit; 0 to 1, higher is better.", "1 / rank, 0 if none"
        ),
        "map": Definition(
            "MAP",
            "Precision at each hit, averaged; 0 to 1, higher is better.",
            "Σ hit(r) · precision@r / min(k, R)",
        ),
        "hit_rate": Definition(
            "Hit rate", "Share of users with at least one hit; 0 to 1, higher is better.", "1 if any hit, else 0"
        ),
        "coverage": Definition(
            "Coverage", "Share of the candidates recommended to anybody; 0 to 1.", "|items shown| / |candidates|"
        ),
        "gini": Definition(
            "Gini",
            "How unevenly recommendations fall on the candidates; 0 evenly, towards 1 on a few.",
            "Σ (2i − n − 1) x₍ᵢ₎ / (n Σ x), x₍₁₎ ≤ … ≤ x₍ₙ₎ how often each candidate is shown",
            "Fleder & Hosanagar 2009, doi:10.1287/mnsc.1080.0974",
        ),
        "novelty": Definition(
            "Novelty",
            "How unknown the recommended items are, in bits.",
            "mean of −log₂((u + 1) / (n + 1)), u of n training users have the item",
            "Zhou et al. 2010, doi:10.1073/pnas.1000488107",
            "bits",
        ),
        "diversity": Definition(
            "Diversity",
            "How different the pictures of a list are; 0 all alike, 1 unrelated, up to 2.",
            "mean of 1 − cosine over pairs, embeddings centred",
            "Ziegler et al. 2005, doi:10.1145/1060745.1060754",
            "1 - cosine",
        ),
        "popularity_share": Definition(
            "Popularity share",
            "Share of the list among the fifth of the items that most users know; 0 to 1.",
            "Σ popular(r) / list length",
        ),
        "popularity_lift": Definition(
            "Popularity lift",
            "How much more popular the list is than what the user liked before, in doublings; 0 is as popular.",
            "mean log₂(u + 1) over the list − the same over the liked items of the history",
            "after Abdollahpouri et al. 2019, arXiv:1907.13286",
            "doublings",
        ),
        "miscalibration": Definition(
            "Miscalibration",
            "How far the list's mix of categories is from that of the history, in nats; 0 is the same mix.",
            "Σ p log(p / (0.99 q + 0.01 p)), p of the history, q of the list",
            "Steck 2018, doi:10.1145/3240323.3240372",
            "nats",
        ),
    }
)


def title_of(metric: str) -> str:
    """A metric's name for people.

    >>> title_of("ndcg@10"), title_of("popularity_lift"), title_of("unheard_of")
    ('NDCG@10', 'Popularity lift', 'unheard_of')
    """
    name, at, k = metric.partition("@")
    return f"{DEFINITIONS[name].title}{at}{k}" if name in DEFINITIONS else metric


def axis_label(metric: str) -> str:
    """What an axis of the metric counts.

    >>> axis_label("novelty"), axis_label("ndcg@10")
    ('bits', '0 to 1')
    """
    name = metric.partition("@")[0]
    return (DEFINITIONS[name].unit if name in DEFINITIONS else "") or "0 to 1"
