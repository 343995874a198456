r"""Posterior links of one pair under a hidden Markov model: compiled, for one direction.

    p(f_1 … f_T, a | e) = Π_t θ(f_t | e_{a_t}) · p(a_t | a_{t−1}) · p(end | a_T)      Vogel 1996

The state is the last linked source position. A target word links to position j with probability
(1 − ν) J(j − i) / Σ_j' J(j' − i), i being the state (−1 before the first link), or to nothing with
probability ν, and then the state stays (Och & Ney 2003, §2.1.2, without doubling the states). J is
a table over jumps of −K to K; a longer jump counts as one of K. The end is a jump to position S,
weighed against all the others.

Letters: S source words, T target words, K longest jump told apart, i, j source positions, t target
position. Position i is row i + 1 of what begins with −1.
"""

import math

import numpy as np

from munmaek.arrays import Floats
from munmaek.ngram.compiled import compiled

__all__ = ["lexical_posteriors", "markov_posteriors", "markov_within", "room_for"]


@compiled
def lexical_posteriors(emit: Floats, nothing: Floats, null: float, out: Floats) -> float:
    """Fill in links without regard to position (Brown et al. 1993, Model 1); return nats.

    Args:
        emit: θ of every target and source word, [T, S].
        nothing: probability of each target word where it links to nothing, [T].
        null: ν.
        out: filled with p(a_t = j | f, e), [T, S].
    """
    T, S = emit.shape
    loglik = 0.0
    for t in range(T):
        total = null * nothing[t]
        for j in range(S):
            out[t, j] = (1.0 - null) / S * emit[t, j]
            total += out[t, j]
        for j in range(S):
            out[t, j] /= total
        loglik += math.log(total)
    return loglik


@compiled
def _moves(S: int, jumps: Floats, null: float, moves: Floats, last: Floats) -> None:
    """Fill in the chances of j after i, [S + 1, S], and of the end after i, [S + 1]."""
    K = len(jumps) // 2
    for i in range(-1, S):
        total = 0.0
        for j in range(S):
            moves[i + 1, j] = jumps[min(max(j - i, -K), K) + K]
            total += moves[i + 1, j]
        for j in range(S):
            moves[i + 1, j] *= (1.0 - null) / total
        end = jumps[min(S - i, K) + K]
        last[i + 1] = end / (total + end)


@compiled
def _forward(
    emit: Floats, nothing: Floats, null: float, moves: Floats, ahead: Floats, scale: Floats
) -> None:
    """Fill ahead[t + 1, i + 1] = p(state i after t | f_1 … f_t) and scale[t] = p(f_t | before)."""
    T, S = emit.shape
    ahead[0] = 0.0
    ahead[0, 0] = 1.0
    for t in range(T):
        stay = null * nothing[t]
        after = ahead[t + 1]
        after[:] = 0.0
        for i in range(S + 1):
            mass = ahead[t, i]
            if mass > 0.0:
                for j in range(S):
                    after[j + 1] += mass * moves[i, j]
        after[0] = ahead[t, 0] * stay
        total = after[0]
        for j in range(S):
            after[j + 1] = after[j + 1] * emit[t, j] + ahead[t, j + 1] * stay
            total += after[j + 1]
        for i in range(S + 1):
            after[i] /= total
        scale[t] = total


@compiled
def markov_posteriors(
    emit: Floats, nothing: Floats, null: float, jumps: Floats, out: Floats, taken: Floats
) -> float:
    """Fill in links by the forward–backward algorithm; return the log-likelihood in nats.

    Args:
        emit: θ of every target and source word, [T, S].
        nothing: probability of each target word where it links to nothing, [T].
        null: ν.
        jumps: J, [2K + 1].
        out: filled with p(a_t = j | f, e), [T, S].
        taken: expected jumps are added here, [2K + 1].
    """
    return markov_within(emit, nothing, null, jumps, out, taken, np.empty(room_for(*emit.shape)))


@compiled
def room_for(T: int, S: int) -> int:
    """Return how many numbers ``markov_within`` needs room for."""
    return (S + 1) * S + (T + 1) * (S + 1) + T + S + 3 * (S + 1)


@compiled
def markov_within(
    emit: Floats,
    nothing: Floats,
    null: float,
    jumps: Floats,
    out: Floats,
    taken: Floats,
    room: Floats,
) -> float:
    """Do what ``markov_posteriors`` does in room that is there, for many short sentences."""
    T, S = emit.shape
    K = len(jumps) // 2
    wide, place = S + 1, (S + 1) * S
    moves = room[:place].reshape(wide, S)
    ahead = room[place : place + (T + 1) * wide].reshape(T + 1, wide)
    place += (T + 1) * wide
    last, back = room[place : place + wide], room[place + wide : place + 2 * wide]
    before = room[place + 2 * wide : place + 3 * wide]
    place += 3 * wide
    scale, link = room[place : place + T], room[place + T : place + T + S]
    _moves(S, jumps, null, moves, last)
    _forward(emit, nothing, null, moves, ahead, scale)
    ended = 0.0
    for i in range(S + 1):
        ended += ahead[T, i] * last[i]
    for i in range(S + 1):
        back[i] = last[i] / ended
        taken[min(S - i + 1, K) + K] += ahead[T, i] * back[i]
    loglik = math.log(ended)
    for t in range(T - 1, -1, -1):
        loglik += math.log(scale[t])
        for j in range(S):
            link[j] = emit[t, j] * back[j + 1] / scale[t]
            out[t, j] = 0.0
        stay = null * nothing[t] / scale[t]
        for i in range(S + 1):
            mass, chance = ahead[t, i], back[i] * stay
            for j in range(S):
                step = moves[i, j] * link[j]
                chance += step
                share = mass * step
                out[t, j] += share
                taken[min(max(j - i + 1, -K), K) + K] += share
            before[i] = chance
        back[:] = before
    return loglik
