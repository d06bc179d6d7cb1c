import {
  flowsTo,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Label,
  label,
} from '@provability-fabric/kernel';
import { type BundleSpec, type ReleaseSpec, TENANT } from './bundle-spec.ts';
import { sinksOf } from './ground-truth.ts';
import type { Happening } from './run.ts';

/**
 * Whether all that an allowed action sends down is listed: each sink that what the agent knew may not flow to is opened
 * by clauses that the decision names, that the bundle has, and that cover every part of the arguments.
 */
export function isListedRelease(spec: BundleSpec, { asked, decision, carries: knew }: Happening): boolean {
  const named = spec.releases.filter(
    ({ id, rule, tool }) =>
      decision.releases.includes(id) &&
      rule === 'declassify' &&
      tool === asked.target &&
      asked.kind === 'call',
  );
  return sinksOf(spec, asked)
    .filter((sink) => !flowsTo(knew, sink))
    .every((sink) => {
      const able = named.filter(
        (clause) => flowsTo(knew, clause.from) && flowsTo(released(knew, clause), sink),
      );
      return able.some(({ parameter }) => parameter === null) || coversAll(able, asked.args);
    });
}

/** A tenant's compartment stays whatever a clause says. */
function released(knew: Label, { from, to }: ReleaseSpec): Label {
  const goes = from.compartments.filter(
    (name) => !to.compartments.includes(name) && name !== `tenant:${TENANT}`,
  );
  const level = flowsTo(label(to.level, [], 'trusted'), label(knew.level, [], 'trusted'))
    ? to.level
    : knew.level;
  return { ...knew, level, compartments: knew.compartments.filter((name) => !goes.includes(name)) };
}

function coversAll(able: readonly ReleaseSpec[], args: JsonValue): boolean {
  const members = Object.entries(args as JsonObject);
  return (
    members.length > 0 &&
    members.every(([name, value]) =>
      able.some(({ parameter, type }) => parameter === name && (type === null || isTyped(type, value))),
    )
  );
}

/** A value of the type, or a flat list of such values: no name, no nesting, nothing empty that could say more. */
function isTyped(type: NonNullable<ReleaseSpec['type']>, value: JsonValue): boolean {
  if (Array.isArray(value)) {
    const items = value as readonly JsonValue[];
    return items.length > 0 && items.every((item) => !Array.isArray(item) && isTyped(type, item));
  }
  if (isJsonObject(value)) return false;
  const text = String(value);
  switch (type) {
    case 'date':
      return typeof value === 'string' && /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(text);
    case 'amount':
      return /^-?\d{1,12}(\.\d{1,2})?$/.test(text);
    case 'id':
      return /^[A-Za-z0-9][A-Za-z0-9._:-]{0,35}$/.test(text);
  }
}
