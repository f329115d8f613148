package flannel.text;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds the word that was probably meant, for the sentence that refuses the one that was written. */
public final class Spelling {

    private Spelling() {
    }

    /**
     * The known word that a mistyped one is nearest to, whatever their case: by the fewest letters added, left out, replaced or swapped with
     * their neighbour. Empty when more than a third of the letters would have to change.
     */
    public static Optional<String> nearest(String word, Collection<String> known) {
        int most = word.length() / 3;
        return known.stream()
                .filter(each -> Math.abs(word.length() - each.length()) <= most && distance(word, each) <= most) // no table for a long word
                .min(Comparator.comparingInt(each -> distance(word, each)));
    }

    /** Optimal string alignment distance (Damerau and Levenshtein's, each letter being changed once at most). */
    private static int distance(String first, String second) {
        String a = first.toLowerCase(Locale.ROOT);
        String b = second.toLowerCase(Locale.ROOT);
        int[][] distance = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    distance[i][j] = i + j;
                    continue;
                }
                int replaced = distance[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                distance[i][j] = Math.min(replaced, 1 + Math.min(distance[i - 1][j], distance[i][j - 1]));
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    distance[i][j] = Math.min(distance[i][j], 1 + distance[i - 2][j - 2]);
                }
            }
        }
        return distance[a.length()][b.length()];
    }
}
