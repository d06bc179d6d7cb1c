import { BundleError } from '../errors.ts';
import { BUNDLE_FILE, POLICY_FILE, SCHEMA_FILE } from '../sources.ts';
import { BASIC_TESTS } from './basic-tests.ts';
import { BUNDLE_YAML } from './bundle-yaml.ts';
import { POLICY_CEDAR } from './policy-cedar.ts';
import { SCHEMA_CEDARSCHEMA } from './schema-cedarschema.ts';

/**
 * The files of a first bundle, by path, for `pfctl init NAME`: commented, compiling, and passing their own
 * tests. The tenant becomes part of a host name in an example, so it is held to what a host name may have.
 * Throws BundleError.
 */
export function renderTemplate(name: string, tenant: string): ReadonlyMap<string, string> {
  checkNaming(name, tenant);
  const fill = (text: string) =>
    text
      .replaceAll('@NAME@', name)
      .replaceAll('@OWNER@', `${tenant}-security`)
      .replaceAll('@TENANT@', tenant);
  return new Map([
    [BUNDLE_FILE, fill(BUNDLE_YAML)],
    [POLICY_FILE, POLICY_CEDAR],
    [SCHEMA_FILE, SCHEMA_CEDARSCHEMA],
    ['tests/basic.yaml', fill(BASIC_TESTS)],
  ]);
}

/** Names become parts of ids, host names in examples and paths. Throws BundleError. */
export function checkNaming(name: string, tenant: string): void {
  const fits = /^[a-z0-9-]{1,63}$/;
  if (!fits.test(name)) {
    throw new BundleError(
      'BAD_NAME',
      'expected a bundle name of 1 to 63 characters out of a-z 0-9 -, came another',
    );
  }
  if (!fits.test(tenant)) {
    throw new BundleError(
      'BAD_NAME',
      'expected a tenant of 1 to 63 characters out of a-z 0-9 -, came another',
    );
  }
}
