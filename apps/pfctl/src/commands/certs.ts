import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { addCertificatesExport } from './certs-export.ts';
import { addCertificatesList } from './certs-list.ts';
import { addCertificatesShow } from './certs-show.ts';
import { addCertificatesVerify } from './certs-verify.ts';

export function addCertificates(program: Command, shell: Shell): void {
  const certificates = program
    .command('certs')
    .summary('list, show, verify or export certificates')
    .description('What was decided, and whether the evidence for it holds. A fabric may run meanwhile.')
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ pfctl certs verify --env production\n');
  addCertificatesList(certificates, shell);
  addCertificatesShow(certificates, shell);
  addCertificatesVerify(certificates, shell);
  addCertificatesExport(certificates, shell);
}
