// The lineage as it computes in a page, by stage and task: the twin of `munmaek.models.LINEAGE`.
// Each makes what reads for a task, of the model's tensors and its description.
import { CountedClassifier, NeuralClassifier } from "../tasks/classify.js";
import { CountedLanguageModel, NeuralLanguageModel } from "../tasks/lm.js";
import { Chain, NgramClassifier } from "./ngram.js";
import { RnnClassifier, RnnLanguage } from "./rnn.js";

const neural = (Task, Network) => (tensors, parts) => new Task(new Network(tensors, parts.config), parts);

export const LINEAGE = {
  ngram: {
    lm: (tensors, parts) => new CountedLanguageModel(new Chain(tensors, parts.config, parts.settings), parts),
    classify: (tensors, parts) => new CountedClassifier(new NgramClassifier(tensors, parts.config, parts.settings), parts),
  },
  rnn: {
    lm: neural(NeuralLanguageModel, RnnLanguage),
    classify: neural(NeuralClassifier, RnnClassifier),
  },
};
