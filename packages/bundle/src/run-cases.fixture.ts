import { loadBundle, replayTrace } from '@provability-fabric/policy';
import { compiled, crypto } from './sources.fixture.ts';
import type { BundleSources } from './sources.ts';
import { readTestCases } from './test-cases.ts';

/**
 * Every event of every case that did not get what it must, and every allowed one that some clause had
 * objected to.
 */
export async function failures(sources: BundleSources): Promise<readonly string[]> {
  const bundle = loadBundle((await compiled(sources)).bundle, crypto);
  const read = readTestCases(sources);
  if (!read.ok) return read.errors.map(({ message }) => message);
  return read.cases.flatMap(({ name, trace, mode, expected }) =>
    [...replayTrace(bundle, trace, { enforcement_mode: mode, default_mode: null, overlay: null })].flatMap(
      (event, index) => {
        const { effect, code, clause } = expected[index] as (typeof expected)[number];
        const given = event.reasons.some(
          (reason) =>
            (code === null || reason.code === code) && (clause === null || reason.clause === clause),
        );
        const asked = code !== null || clause !== null;
        const asExpected =
          event.effect === effect && (asked ? given : effect === 'block' || event.reasons.length === 0);
        return asExpected
          ? []
          : [`${name}, event ${index}: ${JSON.stringify([event.effect, event.reasons])}`];
      },
    ),
  );
}
