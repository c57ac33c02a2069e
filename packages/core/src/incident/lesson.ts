import { z } from 'zod';

/** What a run that did not succeed leaves to whoever runs it next: why, and the one thing to do (a command, or what a person does). */
export const lessonSchema = z.object({ run_id: z.string(), cause: z.string(), next_action: z.string() });
export type Lesson = Readonly<z.infer<typeof lessonSchema>>;
