import { dirname, join } from 'node:path';
import { Problem } from '@govctl/core/api';
import { validateConfig } from '@govctl/core/config';
import { counted } from '../output/counted.ts';

/** Everything that is wrong with a configuration that could not be read as one of govctl, each with its line. */
export function configProblem(path: string, text: string): Problem {
  const result = validateConfig(text);
  if (result.ok) {
    return new Problem('usage', {
      detail: `${path} configures govd, not govctl`,
      hint: `name the CLI configuration instead, like ${join(dirname(path), 'govctl.yaml')}`,
    });
  }
  return new Problem('usage', {
    detail: `${path} is not a valid configuration: ${counted(result.problems.length, 'error')}`,
    hint: `govctl config validate ${path}`,
    reasons: result.problems.map(({ path: at, line, column, message }) => ({
      path: `${path}:${line}:${column}`,
      message: at === '' ? message : `${at}: ${message}`,
    })),
  });
}
