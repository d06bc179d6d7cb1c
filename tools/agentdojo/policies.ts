import { compileBundle } from '@provability-fabric/bundle';
import { nodeCrypto } from '@provability-fabric/evidence';
import { loadBundle } from '@provability-fabric/policy';
import type { Judge } from './measure.ts';
import { RecordedRuns } from './replay-run.ts';

/** A compiled bundle as a policy for recorded runs; `step` decides, as it does live. */
export async function judgeOf(files: ReadonlyMap<string, string>): Promise<Judge> {
  const crypto = nodeCrypto();
  const compiled = await compileBundle({ files }, crypto);
  if (!compiled.ok) {
    const [first] = compiled.errors;
    throw new Error(
      `the bundle does not compile: ${first?.file}:${first?.line} ${first?.message}; ${first?.mend}`,
    );
  }
  const runs = new RecordedRuns(loadBundle(compiled.bundle, crypto));
  return (run) => runs.refusedCalls(run);
}
