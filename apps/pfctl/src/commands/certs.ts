import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { addCertificatesExport } from './certs-export.ts';
import { addCertificatesList } from './certs-list.ts';
import { addCertificatesVerify } from './certs-verify.ts';

export function addCertificates(program: Command, shell: Shell): void {
  const certificates = program
    .command('certs')
    .summary('list, verify or export certificates')
    .description('What was decided, and whether the evidence for it holds. A fabric may run meanwhile.')
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ pfctl certs verify --env production\n');
  addCertificatesList(certificates, shell);
  addCertificatesVerify(certificates, shell);
  addCertificatesExport(certificates, shell);
}
