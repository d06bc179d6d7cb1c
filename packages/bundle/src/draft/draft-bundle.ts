import { BUNDLE_FILE, POLICY_FILE, SCHEMA_FILE } from '../sources.ts';
import { checkNaming } from '../template/render-template.ts';
import { SCHEMA_CEDARSCHEMA } from '../template/schema-cedarschema.ts';
import { draftTools } from './draft-tools.ts';
import { renderBundle, renderPolicy } from './render-draft.ts';
import type { ToolDescription } from './tool-description.ts';

/**
 * The files of a first bundle for these tools, by path; the same tools give the same bytes. Throws
 * BundleError.
 */
export function draftBundle(
  name: string,
  tenant: string,
  tools: readonly ToolDescription[],
): ReadonlyMap<string, string> {
  checkNaming(name, tenant);
  const drafted = draftTools(tools);
  return new Map([
    [BUNDLE_FILE, renderBundle(name, tenant, drafted)],
    [POLICY_FILE, renderPolicy(drafted)],
    [SCHEMA_FILE, SCHEMA_CEDARSCHEMA],
  ]);
}
