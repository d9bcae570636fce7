"""Seeds, epochs and weights of networks."""

import numpy as np
import pytest
import torch
from torch import nn

from visrec.core.errors import InputError, WorkspaceError
from visrec.training.deterministic import deterministic
from visrec.training.epochs import train_epochs
from visrec.training.threads import one_thread
from visrec.training.weights import load_weights, weights_of


def test_inside_the_same_numbers_and_outside_nothing_has_changed():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with deterministic(1) as generator:
        first = (torch.rand(2), torch.rand(2, generator=generator))
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    torch.testing.assert_close(torch.rand(3), expected)
    with deterministic(1) as generator:
        second = (torch.rand(2), torch.rand(2, generator=generator))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)


class Counter(nn.Module):
    """Its weight is the number of epochs it was trained for."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def epoch(self):
        assert self.training
        with torch.no_grad():
            self.weight += 1
        return 10 - self.weight.item()


def test_all_epochs_are_run_without_validation():
    module = Counter()
    trained = train_epochs(module, module.epoch, 4)
    assert trained.losses == (9.0, 8.0, 7.0, 6.0)
    assert trained.validations == ()
    assert trained.best_epoch == 4
    assert module.weight.item() == 4
    assert not module.training


def test_stops_early_and_goes_back_to_the_best():
    module, values = Counter(), [1.0, 3.0, 2.0, 2.9, 5.0]

    def validate():
        assert not module.training
        return values[int(module.weight.item()) - 1]

    trained = train_epochs(module, module.epoch, 5, validate=validate, patience=2)
    assert trained.validations == (1.0, 3.0, 2.0, 2.9)
    assert trained.best_epoch == 2
    assert module.weight.item() == 2


def test_shows_one_step_an_epoch():
    seen = []

    class Watch:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def advance(self, n=1):
            seen.append(n)

    def progress(label, *, total, unit):
        seen.append((label, total, unit))
        return Watch()

    module = Counter()
    train_epochs(module, module.epoch, 2, label="fit x", progress=progress)
    assert seen == [("fit x", 2, "epochs"), 1, 1]


@pytest.mark.parametrize(("n", "patience"), [(0, 5), (3, 0)])
def test_nothing_to_train_is_refused(n, patience):
    module = Counter()
    with pytest.raises(InputError, match="1 or more epochs"):
        train_epochs(module, module.epoch, n, patience=patience)


def test_weights_survive_as_arrays():
    torch.manual_seed(0)
    first, second = (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)) for _ in range(2))
    arrays = weights_of(first)
    assert all(isinstance(array, np.ndarray) and name.startswith("weights.") for name, array in arrays.items())
    load_weights(second, {**arrays, "other": np.zeros(1)})
    assert not second.training
    inputs = torch.randn(5, 3)
    torch.testing.assert_close(second(inputs), first.eval()(inputs))
    arrays["weights.0.bias"][:] = 9
    assert not (weights_of(first)["weights.0.bias"] == 9).any()


def test_weights_of_another_network_are_refused():
    with pytest.raises(WorkspaceError, match="Train it again"):
        load_weights(nn.Linear(3, 4), weights_of(nn.Linear(3, 5)))
    with pytest.raises(WorkspaceError, match="do not fit"):
        load_weights(nn.Linear(3, 4), {})


def test_one_thread_inside_and_as_many_as_before_outside():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ValueError, match="inside"), one_thread():
            assert torch.get_num_threads() == 1
            raise ValueError("inside")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
