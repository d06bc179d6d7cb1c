import type { Label } from '@provability-fabric/kernel';
import type { BundleSpec } from './bundle-spec.ts';
import { isLow, sinksOf } from './ground-truth.ts';
import { isListedRelease } from './listed-release.ts';
import { answerToAgent, type Happening, type Run } from './run.ts';

/** What an observer at a level sees of a session: what reaches its sinks, and all while nothing higher had been read. */
export interface LowView {
  readonly seen: readonly string[];
  /** What reached the observer by clauses that say so, and only what they say. */
  readonly released: number;
}

export function lowView(spec: BundleSpec, level: Label, { happenings }: Run): LowView {
  const seen: string[] = [];
  let released = 0;
  for (const happening of happenings) {
    const { asked, decision, knew, carries, sent } = happening;
    const reaches = decision.effect === 'allow' && sinksOf(spec, asked).some((sink) => isLow(sink, level));
    const isReleased = reaches && !isLow(carries, level) && isListedRelease(spec, happening);
    if (isReleased) released += 1;
    if (isLow(knew, level)) seen.push(asWritten(happening));
    if (reaches && !isReleased) seen.push(`${asked.target} receives ${JSON.stringify(sent)}`);
  }
  return { seen, released };
}

function asWritten({ asked, decision }: Happening): string {
  const { kind, target, args } = asked;
  return `${kind} ${target} ${JSON.stringify(args)} -> ${JSON.stringify(answerToAgent(decision))}`;
}
