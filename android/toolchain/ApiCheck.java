import java.io.File;
import java.io.FileInputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.codehaus.mojo.animal_sniffer.SignatureChecker;
import org.codehaus.mojo.animal_sniffer.logging.PrintWriterLogger;

/**
 * ApiCheck.java SIGNATURE ANNOTATION CLASSES…: are all the framework's classes and functions used there public in this
 * Android? What is newer may be in functions with the annotation.
 */
class ApiCheck {
    public static void main(String[] arguments) throws Exception {
        Set<String> libraries = Set.of("kotlin.*", "kotlinx.*", "androidx.*", "com.google.*", "io.github.countersign.*");
        var log = new PrintWriterLogger(System.out);
        var checker = new SignatureChecker(new FileInputStream(arguments[0]), libraries, log);
        checker.setSourcePath(List.of());
        checker.setAnnotationTypes(List.of(arguments[1]));
        checker.process(Arrays.stream(arguments).skip(2).map(File::new).toArray(File[]::new));
        System.exit(checker.isSignatureBroken() ? 1 : 0);
    }
}
