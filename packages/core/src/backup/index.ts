export { type ExaminedBackup, examineBackup, isKeyOf } from './examine.ts';
export {
  type BackupHeader,
  type BackupManifest,
  backupEvidenceFile,
  backupFiles,
  backupFormat,
  backupHeaderFile,
  backupManifestFile,
  backupManifestSchema,
  backupSecretFiles,
  digestOfObjectFile,
  objectFile,
  objectLine,
} from './manifest.ts';
export { cutShort, damaged, notAnArchive, readTar, type TarEntry, tarEnd, tarHeader, tarPadding } from './tar.ts';
export { createdBackup, startBackup } from './unit.ts';
