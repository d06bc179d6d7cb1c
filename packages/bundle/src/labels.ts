import { label } from '@provability-fabric/kernel';
import type { LabelTemplate } from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import type { LabelDocument } from './shape/bundle-shape.ts';
import { show } from './shape/read-shape.ts';
import type { Path } from './yaml/located.ts';

export const OWN_TENANT = 'tenant:{tenant}';

/** A label in its one form: compartments ascending, each once. */
export function compileLabel(
  written: LabelDocument,
  path: Path,
  { locations, found }: Compilation,
): LabelTemplate {
  for (const [index, compartment] of written.compartments.entries()) {
    if (compartment === OWN_TENANT) continue;
    const place = locations.value(...path, 'compartments', index);
    if (compartment.includes('{tenant}')) {
      found.error('TENANT_PLACEHOLDER', place, {
        message: `expected \`{tenant}\` only in the compartment \`${OWN_TENANT}\`, came \`${show(compartment)}\``,
        mend: `write \`${OWN_TENANT}\``,
      });
    } else if (!isCompartment(compartment)) {
      found.error('WRONG_VALUE', place, {
        message: `expected a compartment out of A-Z a-z 0-9 . _ : @ / + -, came \`${show(compartment)}\``,
        mend: 'rename the compartment',
      });
    }
  }
  const { level, integrity } = written;
  return { level, compartments: [...new Set(written.compartments)].sort(), integrity };
}

export function isCompartment(text: string): boolean {
  try {
    label('public', [text], 'trusted');
    return true;
  } catch {
    return false;
  }
}

/** For messages: `confidential {tenant:{tenant}} trusted`. */
export function formatTemplate({ level, compartments, integrity }: LabelTemplate): string {
  return `${level} {${compartments.join(',')}} ${integrity}`;
}
