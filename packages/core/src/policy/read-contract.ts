import { type ContractFile, contractFileSchema } from './contract.ts';
import { readYaml, type YamlFile } from './yaml-file.ts';

/** Reads a contract file: the closed value with every default, or everything that is wrong with it, with path and line. */
export function readContract(source: string): YamlFile<ContractFile> {
  return readYaml(source, contractFileSchema);
}
