import { flowsTo, type Label } from '@provability-fabric/kernel';
import type { ToolRule } from '@provability-fabric/policy';
import {
  type LabelTemplate,
  MAX_FIELDS,
  MAX_PLACES,
  type ResultSet,
  resultPlaces,
} from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { unknownTool } from './event-classes.ts';
import { compileLabel, formatTemplate } from './labels.ts';
import { compilePointer } from './pointers.ts';
import type { LabelDocument } from './shape/bundle-shape.ts';
import { show } from './shape/read-shape.ts';
import type { Path } from './yaml/located.ts';

/**
 * The labels of single fields of a result. None may be above the whole's: a result of another shape than expected, in
 * which no pointer finds anything, must be labelled too high rather than too low.
 */
export function compileFields(
  written: Readonly<Record<string, LabelDocument>>,
  whole: LabelTemplate | null,
  path: Path,
  compilation: Compilation,
): Readonly<Record<string, LabelTemplate>> {
  const { locations, found } = compilation;
  const fields: Record<string, LabelTemplate> = {};
  for (const [key, label] of Object.entries(written)) {
    const place = locations.key(...path, key);
    const pointer = compilePointer(key, 'the name of a field', place, compilation);
    const compiled = compileLabel(label, [...path, key], compilation);
    if (Object.hasOwn(fields, pointer)) {
      found.error('DUPLICATE_FIELD', place, {
        message: `expected each field once, came \`${show(key)}\`, which is \`${show(pointer)}\` again`,
        mend: 'keep one of the two',
      });
    }
    if (whole !== null && !flowsTo(compiled as Label, whole as Label)) {
      found.error('FIELD_ABOVE_WHOLE', place, {
        message: `expected a label that flows to the whole result's (\`${formatTemplate(whole)}\`), came \`${formatTemplate(compiled)}\``,
        mend: 'raise the label of `returns` to the join of its fields: it holds wherever no field is found',
      });
    }
    fields[pointer] = compiled;
  }
  const count = Object.keys(fields).length;
  if (count > MAX_FIELDS) {
    found.error('TOO_MANY', locations.key(...path), {
      message: `expected at most ${MAX_FIELDS} fields of one tool, came \`${count}\``,
      mend: 'use `*` for elements that carry the same',
    });
  }
  return fields;
}

/** A place in the results of a tool. */
export function compilePlace(
  written: { readonly result: string; readonly field: string },
  path: Path,
  compilation: Compilation,
): ResultSet {
  const { result: tool, field } = written;
  unknownTool(tool, compilation.locations.value(...path, 'result'), undefined, compilation);
  const place = compilation.locations.value(...path, 'field');
  return { tool, field: compilePointer(field, 'the name of a field', place, compilation) };
}

/** Places are bits of one number where they are traced. */
export function checkPlaces(
  tools: Readonly<Record<string, ToolRule>>,
  { locations, found }: Compilation,
): void {
  for (const [tool, { size }] of resultPlaces(tools)) {
    if (size <= MAX_PLACES) continue;
    found.error('TOO_MANY', locations.key('tools'), {
      message: `expected at most ${MAX_PLACES} fields of \`${show(tool)}\` named by parameters, came \`${size}\``,
      mend: 'use `*` for elements, or name the whole result',
    });
  }
}
