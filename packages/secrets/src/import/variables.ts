import { Import, type ImportedSecret } from './imported-secret.ts';

/** Variables of an `.env` file: as fields of one secret, or each as a secret with the one field `value`. */
export function readVariables(
  variables: Readonly<Record<string, string>>,
  into: { readonly kind: 'one'; readonly name: string } | { readonly kind: 'each'; readonly below?: string },
): readonly ImportedSecret[] {
  const found = new Import({});
  if (into.kind === 'one') found.add(into.name, variables);
  else
    for (const [variable, value] of Object.entries(variables))
      found.add(`${into.below === undefined ? '' : `${into.below}/`}${variable}`, { value });
  return found.all();
}
