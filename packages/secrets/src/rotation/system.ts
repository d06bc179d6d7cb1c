// The machine's own time and randomness, for whoever brings none: the runbook's `createRotationScheduler(provider)`.
import { randomBytes, randomInt } from 'node:crypto';
import type { RandomFraction, RotationClock } from './ports.ts';

const STEPS = 2 ** 47;

export const systemClock: RotationClock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

export const systemRandom: RandomFraction = () => randomInt(STEPS) / STEPS;

export const systemBytes = (length: number): Uint8Array => randomBytes(length);
