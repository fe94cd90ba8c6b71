/** French. */
import { number } from "../format";
import type { Messages } from "./en";
import { frJob } from "./fr-job";
import { frReleases } from "./fr-releases";
import { pluralOf } from "./plural";

const plural = pluralOf("fr");
const jobs = (count: number) =>
  plural(count, { one: `${number(count)} tâche`, other: `${number(count)} tâches` });

export const fr: Messages = {
  app: {
    name: "Console des tâches",
    title: (screen) => `${screen} - Console des tâches`,
    skip: "Aller au contenu",
    language: "Langue",
    user: (id) => `Utilisateur ${id}`,
    admin: "Administrateur",
    signOut: "Se déconnecter",
    offline: "Pas de connexion. La page reprend d’elle-même dès qu’il y en a une.",
    close: "Fermer",
    notices: "Avis",
  },
  navigation: {
    label: "Principale",
    jobs: "Tâches",
    releases: "Releases",
    operations: "Exploitation",
  },
  signIn: {
    title: "Connexion",
    again: "Nouvelle connexion",
    lead: "Collez le jeton que vous utilisez avec l’API. Il reste dans cet onglet et disparaît à sa fermeture.",
    leadAgain: "Votre jeton a expiré ou a été retiré. Donnez-en un nouveau : la page reprend où elle est.",
    token: "Jeton",
    submit: "Se connecter",
    refused: "Ce jeton n’est pas accepté. Il a peut-être expiré, ou vient d’un autre système.",
    account: "Se connecter avec son compte",
    accountLead: "Vous vous connectez sur la page de votre organisation, puis vous revenez ici.",
    accountAgain: "Votre session est terminée. Reconnectez-vous : la page reprend où elle est.",
    withToken: "Utiliser plutôt un jeton",
    faults: {
      forged: "Cette connexion n’a pas commencé dans cet onglet, ou est terminée. Recommencez.",
      refused: "La connexion a été refusée.",
      unreachable: "La page de connexion est injoignable.",
      rejected: "Vous êtes connecté, mais ce système n’accepte pas le compte.",
    },
  },
  shortcuts: {
    title: "Raccourcis clavier",
    open: "Raccourcis clavier (?)",
    areOn: "Utiliser les raccourcis à une touche",
    show: "Afficher cette liste",
    filter: "Aller au filtre",
    next: "Ligne suivante",
    previous: "Ligne précédente",
    openRow: "Ouvrir la ligne",
    select: "Sélectionner la ligne",
    cancel: "Annuler",
  },
  status: {
    draft: "Brouillon",
    pending: "En attente",
    running: "En cours",
    completed: "Terminée",
    failed: "Échouée",
    cancelled: "Annulée",
  },
  jobType: {
    analysis: "Analyse",
    packaging: "Empaquetage",
    repack: "Réempaquetage",
    nfofix: "Correction du NFO",
    readnfo: "Lecture du NFO",
    dirfix: "Correction du dossier",
  },
  failure: {
    offline: "L’API est injoignable.",
    "signed-out": "Vous n’êtes pas connecté.",
    forbidden: "Vous ne pouvez pas voir ceci.",
    gone: "Il n’y a rien ici, ou plus rien.",
    busy: "Il y a trop de requêtes en ce moment.",
    unavailable: "Le système n’est pas disponible en ce moment.",
    refused: "La requête a été refusée.",
    unexpected: "Une erreur est survenue.",
  },
  failures: {
    requestId: "Identifiant de la requête",
    retry: "Réessayer",
  },
  loading: "Chargement",
  progress: "Avancement",
  notFound: {
    title: "Page introuvable",
    lead: "Il n’y a pas de page à cette adresse.",
    back: "Aller aux tâches",
  },
  jobs: {
    title: "Tâches",
    filters: "Filtres",
    status: "État",
    type: "Type",
    all: "Tous",
    release: "Release",
    user: "Utilisateur",
    from: "Créée depuis",
    to: "Créée jusqu’au",
    reset: "Effacer les filtres",
    id: "Tâche",
    created: "Créée",
    duration: "Durée",
    none: "Vous n’avez pas encore de tâche.",
    noneMatch: "Aucune tâche ne correspond à ces filtres.",
    more: "Charger la suite",
    end: (count) => `${jobs(count)}, c’est tout.`,
    searching: "Rien dans cette partie. Chargez la suite pour chercher plus loin.",
    newJobs: (count) =>
      plural(count, {
        one: `${number(count)} nouvelle tâche`,
        other: `${number(count)} nouvelles tâches`,
      }),
    selectAll: "Tout sélectionner",
    select: (id) => `Sélectionner la tâche ${id}`,
    selected: (count) =>
      plural(count, {
        one: `${number(count)} tâche sélectionnée`,
        other: `${number(count)} tâches sélectionnées`,
      }),
    clearSelection: "Effacer la sélection",
    cancel: (count) => `Annuler ${jobs(count)}`,
    retry: (count) => `Relancer ${jobs(count)}`,
    cancelTitle: (count) => `Annuler ${jobs(count)} ?`,
    cancelLead: "Une tâche en cours s’arrête en quelques secondes et ne laisse rien d’inachevé.",
    reason: "Raison",
    keep: "Laisser continuer",
    cancelled: (count) =>
      plural(count, {
        one: `${number(count)} tâche annulée.`,
        other: `${number(count)} tâches annulées.`,
      }),
    retried: (count) =>
      plural(count, {
        one: `${number(count)} nouvelle tâche créée.`,
        other: `${number(count)} nouvelles tâches créées.`,
      }),
    notDone: (id, reason) => `Tâche ${id} : ${reason}`,
    changed: (id, status) => `Tâche ${id} : ${status}.`,
  },
  ...frJob,
  ...frReleases,
};
