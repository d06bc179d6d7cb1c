import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { addSecretsKeys } from './secrets-keys.ts';
import { addSecretsRotation } from './secrets-rotation.ts';
import { addSecretsTrail } from './secrets-trail.ts';
import { addSecretsValues } from './secrets-values.ts';
import { addSecretsVersions } from './secrets-versions.ts';

export function addSecrets(program: Command, shell: Shell): void {
  const secrets = program
    .command('secrets')
    .summary("look after tenants' secrets")
    .description(
      'Asks the secrets service with the token in --token-file, or in SECRETS_TOKEN; `pfctl token create --audience secrets` ' +
        'makes one. Every access is on record before it is answered. Exits with 2 where it is refused.',
    )
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ pfctl secrets list --token-file admin.token\n');
  addSecretsValues(secrets, shell);
  addSecretsVersions(secrets, shell);
  addSecretsRotation(secrets, shell);
  addSecretsTrail(secrets, shell);
  addSecretsKeys(secrets, shell);
}
