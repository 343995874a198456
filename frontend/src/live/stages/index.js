// The lineage as it computes in a page, by stage and task: the twin of `munmaek.models.LINEAGE`.
// Each makes what reads for a task, of the model's tensors and its description.
import { CountedClassifier, NeuralClassifier } from "../tasks/classify.js";
import { Embedder } from "../tasks/embed.js";
import { CountedLanguageModel, NeuralLanguageModel } from "../tasks/lm.js";
import { MaskedModel } from "../tasks/mlm.js";
import { Regressor } from "../tasks/regress.js";
import { Tagger } from "../tasks/tag.js";
import { Translator } from "../tasks/translate.js";
import { AttentionClassifier, AttentionTranslator } from "./attention.js";
import { BertBase, BertClassifier, BertMasked, BertTagger } from "./bert.js";
import { Chain, NgramClassifier } from "./ngram.js";
import { RnnClassifier, RnnLanguage } from "./rnn.js";
import { SelfAttentionClassifier, SelfAttentionLanguage } from "./self_attention.js";
import { FixedVectorTranslator } from "./seq2seq.js";
import { TransformerClassifier, TransformerLanguage, TransformerTranslator } from "./transformer.js";

const neural = (Task, Network) => (tensors, parts) => new Task(new Network(tensors, parts.config), parts);

const labelling = (Network) => ({ classify: neural(NeuralClassifier, Network), regress: neural(Regressor, Network) });

export const LINEAGE = {
  ngram: {
    lm: (tensors, parts) => new CountedLanguageModel(new Chain(tensors, parts.config, parts.settings), parts),
    classify: (tensors, parts) => new CountedClassifier(new NgramClassifier(tensors, parts.config, parts.settings), parts),
  },
  rnn: { lm: neural(NeuralLanguageModel, RnnLanguage), ...labelling(RnnClassifier) },
  seq2seq: { translate: neural(Translator, FixedVectorTranslator) },
  attention: { ...labelling(AttentionClassifier), translate: neural(Translator, AttentionTranslator) },
  self_attention: { lm: neural(NeuralLanguageModel, SelfAttentionLanguage), ...labelling(SelfAttentionClassifier) },
  transformer: { lm: neural(NeuralLanguageModel, TransformerLanguage), ...labelling(TransformerClassifier), translate: neural(Translator, TransformerTranslator) },
  bert: { ...labelling(BertClassifier), mlm: neural(MaskedModel, BertMasked), tag: neural(Tagger, BertTagger), embed: neural(Embedder, BertBase) },
};
