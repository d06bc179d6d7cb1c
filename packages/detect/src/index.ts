// Finding live secrets from keyed fingerprints
export { type Exposure, findExposed, Scanner } from './find-exposed.ts';
export {
  Fingerprinter,
  type Fingerprints,
  fingerprintsOf,
  isGuarded,
  KEY_BYTES,
  type SecretWindows,
  SHORTEST,
  WINDOW,
} from './fingerprints.ts';
// Fingerprints for a neighbour
export { fingerprintsFromJson, fingerprintsToJson } from './fingerprints-json.ts';
// Secrets by their form, in texts that are about to be written
export { createSecretRules, type SecretFinding, type SecretRules } from './secret-rules/secret-rules.ts';
