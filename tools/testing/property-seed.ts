import fc from 'fast-check';

// Properties see the same cases on every run, so that a failure belongs to the change that it came with. Others are looked
// for by hand: PROPERTY_SEED=random npx vitest run packages/policy (a failure prints its seed).
const { PROPERTY_SEED: seed = '20261122' } = process.env;
if (seed !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
